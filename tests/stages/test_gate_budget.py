"""Which rows have judged, and from when on a holdout is unused."""

import pytest

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.stages.gate_budget import unused_since


@pytest.mark.parametrize(
    ("since", "until", "begins"),
    [
        ("2024-01-01", "2024-01-10", "2024-01-01"),
        ("2024-01-20", "2024-02-10", "2024-01-29"),
        ("2024-01-16", "2024-01-28", "2024-01-28"),
        ("2024-01-29", "2024-02-10", "2024-01-29"),
    ],
)
def test_the_part_after_the_last_judged_row_is_unused(tmp_path, since, until, begins):
    documents = JsonDocuments(tmp_path / "records", tmp_path / "reports")
    judged = {"n": 0.7, "dataset": "trips", "since": "2024-01-15", "until": "2024-01-29"}
    documents.put("gates", "tips/one", judged)
    documents.put("gates", "tips/unmeasured", judged | {"n": None, "until": "2024-03-01"})
    assert unused_since(documents, model="tips", dataset="trips", since=since, until=until) == begins
