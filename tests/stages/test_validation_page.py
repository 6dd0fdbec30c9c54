"""The validation page: self-contained, and hostile values are text."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.stages.validation_page import render
from upkeep.stages.validation_result import CheckSummary, ValidationResult

CHECK = CheckSummary(
    expectation="expect_column_values_to_be_between",
    column="fare",
    severity="warn",
    success=False,
    crashed=False,
    failing=1234,
    observed="1234 of 10000 rows fail",
    message="wanted min_value=0",
    row_ids=(-5, 7, 8, 9),
)
RESULT = ValidationResult(
    dataset="yellow_trips",
    table="raw",
    batch="4f2a",
    suite="yellow_trips.raw",
    suite_digest="00",
    verdict="pass_with_quarantine",
    rows=10_000,
    refused=1_234,
    accepted=8_766,
    quarantined=1_234,
    quarantine="4f2a-raw",
    max_quarantine_share=0.2,
    explanation=(),
    warnings=(),
    checks=(CHECK,),
)
VOID = {"meta", "br"}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def _parsed(result):
    reader = _Reader()
    reader.feed(render(result))
    reader.close()
    return reader


def test_shows_the_verdict_first_then_the_counts_then_every_expectation():
    text = _parsed(RESULT).text
    body = text[text.index("}", text.index("nowrap")) :]  # behind the style
    places = [
        body.index(part)
        for part in (
            "Passed, with rows in quarantine",
            "8,766",
            "1,234 (12.3%)",
            "4f2a-raw",
            "wanted min_value=0",
            "-5",
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("verdict", "title"), [("pass", "Passed: "), ("fail", "Failed: "), ("pass_with_quarantine", "Passed, with rows")]
)
def test_says_the_verdict_in_the_title(verdict, title):
    assert _parsed(replace(RESULT, verdict=verdict)).text.strip().startswith(title)


def test_what_fails_stands_above_what_holds_and_a_crash_above_all():
    checks = (
        replace(CHECK, column="held", success=True),
        replace(CHECK, column="failed"),
        replace(CHECK, column="broke", crashed=True),
    )
    page = render(replace(RESULT, checks=checks))
    assert page.index("(broke)") < page.index("(failed)") < page.index("(held)")


def test_fetches_nothing_and_runs_nothing():
    reader = _parsed(RESULT)
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    assert {name for name, _ in reader.attributes} <= {"lang", "charset", "name", "content", "class"}
    page = render(RESULT)
    assert not any(part in page for part in ("http", "url(", "@import", "//"))
    assert "prefers-color-scheme: dark" in page


HOSTILE = st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "&lt;b&gt;", "]]>"]
)


@given(HOSTILE | st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_hostile_values_are_shown_as_text(text):
    check = replace(CHECK, expectation=text, column=text, severity=text, observed=text, message=text)
    hostile = replace(
        RESULT, dataset=text, table=text, batch=text, suite=text, quarantine=text, explanation=(text,), checks=(check,)
    )
    reader = _parsed(hostile)
    assert sorted(reader.tags) == sorted([*_parsed(RESULT).tags, "ul", "li"])
    assert reader.text.count(text) >= 8  # the observed value is shortened
