"""Where a source may lie: what the DAG's author named, and nothing that a run's parameters add."""

import pytest

from upkeep.adapters.workspace import Workspace
from upkeep.errors import InputError


def test_a_trusted_folder_is_allowed_with_all_below_it_and_nothing_beside_it(tmp_path):
    lake = tmp_path / "lake"
    workspace = Workspace(tmp_path / "var", trusted=(str(lake),))
    assert workspace.source(str(lake / "2019" / "a.parquet")) == str(lake / "2019" / "a.parquet")
    for outside in (str(tmp_path / "lake2" / "a.parquet"), str(lake / ".." / "a.parquet"), "/etc/passwd"):
        with pytest.raises(InputError, match="a source must lie under"):
            workspace.source(outside)


def test_a_trusted_url_opens_no_path_of_this_machine(tmp_path):
    with pytest.raises(InputError, match="a source must lie under"):
        Workspace(tmp_path, trusted=("s3://bucket/etc",)).source("/etc/passwd")
