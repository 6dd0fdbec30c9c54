"""What goes into a decision and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from upkeep.core.retrain.kitagawa import Decomposition
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPolicy:
    """When a retrain is worth it.

    Attributes
    ----------
    max_loss : float
        A drop of accuracy below this does not matter.
    windows_needed, windows_looked : int
        So many of the last so many windows must show the drop, this one among them.
    cooldown_windows : int
        Windows after a suggested retrain in which none is suggested again.
    min_labels : int
        With fewer labels in the window nothing is decided.
    max_quarantine_share : float
        Share of rows refused by validation above which the data come first.
    max_jump : float
        A column of which at least this share of rows certainly moved at once is taken for broken, not for drifted.
    max_lost : float
        So is one of which at least this share of rows certainly lost its value or holds a category not known before;
        a smaller share may be a new category that came to stay.
    accepted : tuple of str
        Columns that someone has looked at: whatever happened to them is not taken for broken.
    recent_windows : int
        Least number of unbroken windows that the recipe "recent_window" reaches back.
    cost_error, cost_retrain : float
        Cost of a wrong prediction and of a retrain, in one currency.
    horizon_rows : int
        Predictions over which a retrain has to pay for itself.
    """

    max_loss: float = 0.03
    windows_needed: int = 2
    windows_looked: int = 3
    cooldown_windows: int = 2
    min_labels: int = 200
    max_quarantine_share: float = 0.1
    max_jump: float = 0.5
    max_lost: float = 0.1
    accepted: tuple[str, ...] = ()
    recent_windows: int = 2
    cost_error: float = 1.0
    cost_retrain: float = 0.0
    horizon_rows: int = 10_000

    def __post_init__(self) -> None:
        if not 1 <= self.windows_needed <= self.windows_looked:
            raise InputError(
                f"windows_needed must lie between 1 and windows_looked, got {self.windows_needed} of {self.windows_looked}."
            )
        if not 0 < self.max_loss < 1 or min(self.cooldown_windows, self.min_labels, self.horizon_rows) < 0:
            raise InputError(
                "max_loss must lie in (0, 1); cooldown_windows, min_labels, horizon_rows must be 0 or more."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """What a health report says that a decision depends on. The change is live minus reference accuracy."""

    evidence: str  # address of the report
    window: str
    since: str  # begin of the window
    version: str
    labelled: int
    change: float
    change_low: float
    change_high: float
    parts: Decomposition
    drifted: tuple[str, ...]
    damage: tuple[str, ...]  # sentences on columns or rows that look broken
    quarantine_share: float

    def harmed(self, policy: DecisionPolicy) -> bool:
        """Whether accuracy certainly fell, by an estimate that matters, on enough labels and unbroken data."""
        fell = self.change_high < 0 and -self.change > policy.max_loss
        return fell and self.labelled >= policy.min_labels and not self.broken(policy)

    def broken(self, policy: DecisionPolicy) -> tuple[str, ...]:
        """Why the data must be mended before anything else is said about the window; empty if nothing is known."""
        refused = f"validation refused {self.quarantine_share:.0%} of the rows"
        return self.damage + ((refused,) if self.quarantine_share > policy.max_quarantine_share else ())


class Recipe(TypedDict, total=False):
    """How to train: `name` is full, or recent_window on rows from `since` on."""

    name: str
    since: str


class PastDecision(TypedDict):
    """One decided window."""

    window: str
    action: str
    harmed: bool


class DecisionState(TypedDict, total=False):
    """What is kept from one decision to the next: small, JSON, in order of windows."""

    format: int
    history: list[PastDecision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with its reasons and the reasons against it.

    The gain is that of a retrain that wins back the whole drop of accuracy, in the policy's currency, after its cost.
    """

    window: str
    version: str
    action: str  # retrain | wait | get_labels | fix_data
    cause: str  # concept_shift | covariate_shift | data_integrity | too_few_labels | drift | none
    expected_gain: float
    gain_low: float
    gain_high: float
    recipe: Recipe
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    due: bool
    sentence: str
