"""What a person is asked before a retrain."""

from types import SimpleNamespace

import pytest
from jinja2 import Environment

from upkeep.operators.approval import FILTERS, WHY

EVIL = "[Click to approve](http://evil.example) ![p](http://evil.example/b.png)\n\n# APPROVED <img src=x> `a`"


def _shown(**extra):
    templates = Environment()  # as Airflow renders: nothing is escaped
    templates.filters.update(FILTERS)
    events = {"retrain": [SimpleNamespace(extra=extra)]}
    return templates.from_string(WHY).render(triggering_asset_events=events)


def test_the_request_says_why_and_what_is_to_be_tried():
    recipes = [{"name": "full"}, {"name": "upsample"}]
    shown = _shown(sentence="Accuracy fell", decision="decisions/tips/w", recipes=recipes)
    assert shown.split() == "Accuracy fell Decision decisions/tips/w, to be tried: full, upsample.".split()


@pytest.mark.parametrize("place", ["sentence", "decision", "recipes"])
def test_stored_text_is_shown_as_text_whatever_it_says(place):
    extra = {"sentence": "Accuracy fell.", "decision": "decisions/tips/w", "recipes": [{"name": "full"}]}
    shown = _shown(**extra | {place: [{"name": EVIL}] if place == "recipes" else EVIL})
    assert r"\[Click to approve\](http://evil.example) !\[p\]" in shown
    assert r"\# APPROVED \<img src=x\> \`a\`" in shown
    assert "\n#" not in shown


def test_long_text_is_cut():
    assert len(_shown(sentence="A" * 5_000, decision="d", recipes=[])) < 700
