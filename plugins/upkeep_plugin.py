"""Registers Upkeep when this folder is mounted as Airflow's plugins folder.

An installed Upkeep registers itself by its entry point, and a second registration would be listed as an
import error: then this file steps aside. Metadata that a build left beside it in this folder do not count as
installed, since Airflow puts the folder on the path only after it has read the entry points.
"""

from importlib.metadata import entry_points
from pathlib import Path


def _installed() -> bool:
    here = Path(__file__).resolve().parent
    found = entry_points(group="airflow.plugins", name="upkeep")
    return any(point.dist is None or Path(str(point.dist.locate_file(""))).resolve() != here for point in found)


if not _installed():
    from upkeep.ui.plugin import UpkeepPlugin  # noqa: F401
