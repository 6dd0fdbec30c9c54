import pytest
from tests.small_world import Registry

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.errors import GateClosed, InputError
from upkeep.stages.promote import promote, rollback


@pytest.fixture
def documents(tmp_path):
    documents = JsonDocuments(tmp_path / "records", tmp_path / "reports")
    for version, champion in (("1", None), ("2", "1"), ("3", "1")):
        judged(documents, f"e{version}", version, champion, passed=version != "3")
    return documents


def judged(documents, evaluation, version, champion, passed=True):
    record = {"model": "tips", "version": version, "champion": champion, "evaluation_id": evaluation}
    documents.put("gates", f"tips/{evaluation}", record | {"passed": passed, "sentence": "n is too low."})


@pytest.fixture
def registry():
    return Registry(flips={}, holdouts={})


def test_the_alias_moves_and_the_old_champion_is_kept(registry, documents):
    first = promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    assert (first.previous, registry.aliases) == (None, {"champion": "1"})
    second = promote(registry, documents, model="tips", version="2", evaluation_id="e2")
    assert (second.previous, registry.aliases) == ("1", {"champion": "2", "previous": "1"})
    assert documents.get("promotions", "tips/e2")["version"] == "2"


def test_without_an_open_gate_nothing_moves(registry, documents):
    for version, evaluation, error, words in [
        ("3", "e3", GateClosed, "n is too low"),
        ("1", "e2", InputError, "judged version 2"),
        ("1", "unknown", InputError, "there is none"),
    ]:
        with pytest.raises(error, match=words):
            promote(registry, documents, model="tips", version=version, evaluation_id=evaluation)
    assert registry.aliases == {}


class Killed(BaseException):
    pass


class Dying:
    """Passes calls on and dies before the one that changes something when nothing is `left` to be changed."""

    def __init__(self, target, left):
        self._target, self._left = target, left

    def __getattr__(self, name):
        call = getattr(self._target, name)
        return call if name not in ("set_alias", "put") else lambda *args: self._change(call, args)

    def _change(self, call, args):
        if not self._left:
            raise Killed
        self._left.pop()
        call(*args)


@pytest.mark.parametrize("changes", range(3))
def test_a_promotion_killed_anywhere_and_run_again_ends_the_same(documents, registry, changes):
    promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    left = [None] * changes
    with pytest.raises(Killed):
        promote(Dying(registry, left), Dying(documents, left), model="tips", version="2", evaluation_id="e2")
    result = promote(registry, documents, model="tips", version="2", evaluation_id="e2")
    assert (result.version, result.previous) == ("2", "1")
    assert registry.aliases == {"champion": "2", "previous": "1"}
    assert documents.get("promotions", "tips/e2")["previous"] == "1"


def test_a_pass_against_a_champion_of_the_past_promotes_nothing(registry, documents):
    promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    judged(documents, "third", "3", "1")
    promote(registry, documents, model="tips", version="2", evaluation_id="e2")
    with pytest.raises(GateClosed, match=r"champion of now, version 2, .* was against version 1\. Run the gate again"):
        promote(registry, documents, model="tips", version="3", evaluation_id="third")
    assert registry.aliases == {"champion": "2", "previous": "1"}
    assert documents.get("promotions", "tips/third") is None
    judged(documents, "third-again", "3", "2")
    assert promote(registry, documents, model="tips", version="3", evaluation_id="third-again").previous == "2"


def test_of_two_first_models_that_passed_the_bar_one_becomes_champion(registry, documents):
    judged(documents, "second", "2", None)
    promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    with pytest.raises(GateClosed, match="was against no champion"):
        promote(registry, documents, model="tips", version="2", evaluation_id="second")


def test_after_a_rollback_a_verdict_against_the_version_rolled_back_counts_no_more(registry, documents):
    promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    promote(registry, documents, model="tips", version="2", evaluation_id="e2")
    judged(documents, "third", "3", "2")
    rollback(registry, documents, model="tips")
    with pytest.raises(GateClosed, match="champion of now, version 1,"):
        promote(registry, documents, model="tips", version="3", evaluation_id="third")


def test_a_late_repetition_takes_nothing_from_a_newer_champion(registry, documents):
    first = promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    promote(registry, documents, model="tips", version="2", evaluation_id="e2")
    assert promote(registry, documents, model="tips", version="1", evaluation_id="e1") == first
    assert registry.aliases["champion"] == "2"


def test_rollback_goes_back_once_and_can_be_repeated(registry, documents):
    promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    promote(registry, documents, model="tips", version="2", evaluation_id="e2")
    with pytest.raises(Killed):
        rollback(Dying(registry, []), documents, model="tips")
    result = rollback(registry, documents, model="tips")
    assert (result.kind, result.version, result.previous) == ("rollback", "1", "2")
    assert rollback(registry, documents, model="tips").version == "1"
    assert registry.aliases["champion"] == "1"
    assert documents.get("promotions", "tips/rollback-2-1")["kind"] == "rollback"


def test_there_must_be_something_to_go_back_to(registry, documents):
    with pytest.raises(InputError, match="no champion"):
        rollback(registry, documents, model="tips")
    promote(registry, documents, model="tips", version="1", evaluation_id="e1")
    with pytest.raises(InputError, match="version 1 alone"):
        rollback(registry, documents, model="tips")
