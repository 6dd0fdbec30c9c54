"""JsonDocuments: what is put is what is got, and what cannot be read says why."""

import json
import os

import numpy as np
import pytest

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.errors import BackendError, InputError


@pytest.fixture
def documents(tmp_path):
    return JsonDocuments(tmp_path / "records", tmp_path / "reports")


def test_a_record_comes_back_as_builtins(documents):
    documents.put("health", "taxi/2019-01", {"rate": np.float64(0.5), "bad": float("nan"), "rows": np.arange(2)})
    assert documents.get("health", "taxi/2019-01") == {"rate": 0.5, "bad": None, "rows": [0, 1]}


def test_a_record_that_is_not_there_is_none(documents):
    assert documents.get("health", "gone") is None
    assert documents.names("health") == []


def test_the_last_put_wins(documents):
    documents.put("decisions", "a", {"n": 1})
    documents.put("decisions", "a", {"n": 2})
    assert documents.get("decisions", "a") == {"n": 2}


def test_names_are_sorted_and_begin_with_the_prefix(documents):
    for name in ("taxi/raw/b", "taxi/raw/a", "bike/raw/a"):
        documents.put("validations", name, {})
    assert documents.names("validations", "taxi/") == ["taxi/raw/a", "taxi/raw/b"]
    assert documents.names("validations") == ["bike/raw/a", "taxi/raw/a", "taxi/raw/b"]


def test_half_written_files_of_a_killed_task_are_no_records(documents, tmp_path):
    documents.put("health", "a", {})
    (tmp_path / "records/health/.b.json.17.tmp").write_text("{")
    assert documents.names("health") == ["a"]


def test_a_page_is_stored_under_its_name_below_the_reports_root(documents, tmp_path):
    path = documents.put_text("validations", "taxi/raw/a.html", "<p>é</p>")
    assert path == "validations/taxi/raw/a.html"
    assert (tmp_path / "reports" / path).read_text(encoding="utf-8") == "<p>é</p>"


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "must be a JSON record, but cannot be read"), (json.dumps({"format": 9, "record": {}}), "got 9")],
)
def test_a_record_that_cannot_be_read_says_why(documents, tmp_path, content, message):
    documents.put("health", "a", {})
    (tmp_path / "records/health/a.json").write_text(content)
    with pytest.raises(BackendError, match=message):
        documents.get("health", "a")


@pytest.mark.parametrize("call", ["put", "put_text", "get"])
def test_a_name_cannot_lead_out(documents, call):
    extra = {"put": ({},), "put_text": ("",), "get": ()}[call]
    with pytest.raises(InputError, match="a stored name must be made of letters"):
        getattr(documents, call)("health", "../a", *extra)


def test_what_is_not_json_is_refused_before_anything_is_written(documents, tmp_path):
    with pytest.raises(TypeError):
        documents.put("health", "a", {"x": object()})
    assert not (tmp_path / "records").exists()


def test_of_several_that_create_a_record_at_once_one_does(documents):
    children = []
    for n in range(8):
        child = os.fork()
        if not child:
            os._exit(0 if documents.create("looks", "tip/1", {"n": n}) else 1)
        children.append(child)
    told = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(told) == [0] + [1] * 7
    assert documents.get("looks", "tip/1") == {"n": told.index(0)}
    assert documents.names("looks") == ["tip/1"]
