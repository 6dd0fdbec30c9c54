"""Registers Upkeep when this folder is mounted as Airflow's plugins folder.

An installed Upkeep registers itself by its entry point, and a second registration would be listed as an
import error: then this file steps aside.
"""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="upkeep"):
    from upkeep.ui.plugin import UpkeepPlugin  # noqa: F401
