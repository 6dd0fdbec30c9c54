"""A validation as one self-contained page: nothing is fetched, every value is escaped."""

from __future__ import annotations

from html import escape
from textwrap import shorten

from upkeep.stages.validation_result import CheckSummary, ValidationResult

_TITLES = {"pass": "Passed", "pass_with_quarantine": "Passed, with rows in quarantine", "fail": "Failed"}
_TONES = {"pass": "good", "pass_with_quarantine": "mind", "fail": "bad"}
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d8dee6; --paper: #fff; --panel: #f5f7fa;
  --good: #17703f; --mind: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #39424e; --paper: #14181d;
  --panel: #1d232b; --good: #5cc98b; --mind: #e2b04a; --bad: #ff8a80; } }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
.where { color: var(--soft); overflow-wrap: anywhere; }
.verdict { border-left: .4rem solid var(--tone); background: var(--panel); padding: .8rem 1rem; margin-bottom: 1rem; }
.verdict h1 { color: var(--tone); } .good { --tone: var(--good); } .mind { --tone: var(--mind); } .bad { --tone: var(--bad); }
.told { --tone: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 0; } dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: .85rem; } .number { text-align: right; font-variant-numeric: tabular-nums; }
td code, td small { overflow-wrap: anywhere; } td small { display: block; color: var(--soft); }
.state { color: var(--tone); font-weight: 600; } .state, .ids { white-space: nowrap; } .seen { max-width: 16rem; }
"""


def render(result: ValidationResult) -> str:
    """The page, readable in light and in dark: verdict first, then counts, then one line per expectation."""
    title = f"{_TITLES[result.verdict]}: {result.validation_id}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"{_verdict(result)}{_counts(result)}{_checks(result)}</body></html>\n"
    )


def _verdict(result: ValidationResult) -> str:
    where = f"batch {result.batch} of {result.dataset}/{result.table}, suite {result.suite}"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in result.explanation)
    return (
        f'<header class="verdict {_TONES[result.verdict]}"><h1>{_TITLES[result.verdict]}</h1>'
        f'<div class="where">{escape(where)}</div>{f"<ul>{reasons}</ul>" if reasons else ""}</header>\n'
    )


def _counts(result: ValidationResult) -> str:
    failed = sum(not check.success for check in result.checks)
    counts = {
        "Rows": f"{result.rows:,}",
        "Accepted": f"{result.accepted:,}",
        "Refused": f"{result.refused:,} ({result.refused / result.rows:.1%})",
        "In quarantine": f"{result.quarantined:,}",
        "Most that may be refused": f"{result.max_quarantine_share:.1%}",
        "Expectations failed": f"{failed} of {len(result.checks)}",
    }
    if result.spared:
        counts["Not looked at, since the batch fails anyway"] = f"{len(result.spared)}"
    shown = "".join(f"<div><dt>{name}</dt><dd>{count}</dd></div>" for name, count in counts.items())
    kept = (
        f'<p class="where">Quarantine batch: <code>{escape(result.quarantine)}</code></p>' if result.quarantine else ""
    )
    return f"<dl>{shown}</dl>{kept}\n"


def _checks(result: ValidationResult) -> str:
    # Those that need a look come first; the sort keeps the suite's order otherwise.
    rows = "".join(_check(check) for check in sorted(result.checks, key=lambda c: (c.success, not c.crashed)))
    head = "".join(
        f"<th>{name}</th>" for name in ("State", "Severity", "Expectation", "Observed", "Failing rows", "Rows")
    )
    return f'<h2>Expectations</h2><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n'


def _check(check: CheckSummary) -> str:
    state, tone = _state(check)
    message = f"<small>{escape(check.message)}</small>" if check.message else ""
    observed = escape(shorten(check.observed, 80, placeholder=" …"))
    ids = "<br>".join(f"<code>{row}</code>" for row in check.row_ids[:3])
    return (
        f'<tr><td class="state {tone}">{state}<td>{escape(check.severity)}'
        f"<td><code>{escape(check.expectation)}({escape(check.column)})</code>{message}"
        f'<td class="seen"><code>{observed}</code><td class="number">{check.failing:,}<td class="ids">{ids}</tr>\n'
    )


def _state(check: CheckSummary) -> tuple[str, str]:
    if check.crashed:
        return "crashed", "bad"
    if check.success:
        return "holds", "good"
    return "fails", {"error": "bad", "warn": "mind"}.get(check.severity, "told")
