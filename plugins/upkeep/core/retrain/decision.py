"""What goes into a decision and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from upkeep.core.profile.histogram import Histogram
from upkeep.core.retrain.correction import FoundGain
from upkeep.core.retrain.diagnosed import Diagnosis
from upkeep.core.retrain.kitagawa import Decomposition
from upkeep.core.retrain.recipes import Recipe
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPolicy:
    """When a retrain is worth it.

    Attributes
    ----------
    max_loss : float
        A drop of accuracy below this does not matter.
    windows_needed, windows_looked : int
        So many of the last so many windows must show the drop, this one among them; or windows show it together, however
        many those are, and would without the worst `windows_needed` - 1 of them.
    cooldown_windows : int
        Windows before and after a suggested retrain in which no other is suggested.
    min_labels : int
        With fewer labels in the window, or in those that show a drop together, nothing is decided.
    max_quarantine_share : float
        Share of rows refused by validation above which the data come first.
    max_jump : float
        A column of which at least this share of rows certainly moved at once is taken for broken, not for drifted.
    max_lost : float
        So is one of which at least this share of rows certainly lost its value or holds a category not known before;
        a smaller share may be a new category that came to stay.
    max_scale : float
        So is one that drifted and has a standard deviation at least so many times the reference's: another unit.
    accepted : tuple of str
        Columns that someone has looked at: whatever happened to them is not taken for broken.
    recent_windows : int
        Least number of unbroken windows that the recipe "recent_window" reaches back.
    drop_alpha : float
        Chance that a drop which several windows show together is ever called certain where there is none, over the life of a
        model version; that of one window's own interval is the monitor's.
    gain_alpha : float
        Chance, over the life of a model version, that more than `max_loss` is said to be won by a newer model where no
        correction ever wins so much.
    cause_alpha : float
        Chance, per window, that the interval of a part of the change misses it, and so that a part is wrongly called certain.
    minor_share : float
        A part is a cause beside the other only if it certainly is more than this share of the loss.
    max_upsampled : int
        Columns that the recipe "upsample" weighs by, at most.
    augment_share : float
        Share of the live rows that the recipe "augment" gives more weight.
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
    max_scale: float = 10.0
    accepted: tuple[str, ...] = ()
    recent_windows: int = 2
    drop_alpha: float = 0.01
    gain_alpha: float = 0.025
    cause_alpha: float = 0.05
    minor_share: float = 0.2
    max_upsampled: int = 3
    augment_share: float = 0.5
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
        shares = {
            "drop_alpha": self.drop_alpha,
            "gain_alpha": self.gain_alpha,
            "cause_alpha": self.cause_alpha,
            "minor_share": self.minor_share,
            "augment_share": self.augment_share,
        }
        wrong = {name: share for name, share in shares.items() if not 0 < share < 1}
        if wrong or self.max_upsampled < 0 or self.max_scale <= 1:
            raise InputError(
                f"{', '.join(shares)} must lie in (0, 1), max_upsampled be 0 or more and max_scale above 1, got "
                f"{wrong or {'max_upsampled': self.max_upsampled, 'max_scale': self.max_scale}}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """What a health report says that a decision depends on. The change is live minus reference accuracy.

    What has a default may be unknown; the decision then does without it.
    """

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
    rows: int = 0  # predictions, labelled or not
    lag_h: float | None = None  # from the window's end to the moment up to which labels are known
    slow: Mapping[str, str] = field(default_factory=dict)  # groups whose labels come later, with a sentence on each
    slower: str = ""  # sentence, if labels certainly come later than for the reference
    labels_ready_at: str = ""  # when enough labels are expected to be in
    unwatched: tuple[str, ...] = ()  # columns of the reference that are not logged any more
    ks: float | None = None  # largest distance of any column
    adversary_loss: float | None = None  # log-loss of telling live rows from the reference's, nats
    adversary: str = ""  # address of the stored adversary, where it certainly tells them apart
    moved: tuple[Histogram, ...] = ()  # drifted features then and now, those that moved most surely first
    right: float = 0.0  # of the labelled rows, how many were predicted rightly
    reference_rows: int = 0  # on which the version was accepted; 0 if that is not known
    reference_right: int = 0
    first_window: str = ""  # of the stretch up to this window whose change is told; "" if it is this window's own
    pooled_labels: int = 0  # of that stretch
    gain: FoundGain | None = None  # of a model fitted anew over this one; None if none has been judged

    @property
    def judged(self) -> int:
        """Labels that the change rests on."""
        return max(self.labelled, self.pooled_labels)

    def harmed(self, policy: DecisionPolicy) -> bool:
        """Whether accuracy certainly fell, by an estimate that matters, on enough labels and unbroken data."""
        fell = self.change_high < 0 and -self.change > policy.max_loss
        return fell and self.judged >= policy.min_labels and not self.broken(policy)

    def wins(self) -> bool:
        """Whether a model fitted anew on recent labels is certainly better by more than matters."""
        return self.gain is not None and self.gain.result.certain

    def broken(self, policy: DecisionPolicy) -> tuple[str, ...]:
        """Why the data must be mended before anything else is said about the window; empty if nothing is known."""
        refused = f"validation refused {self.quarantine_share:.0%} of the rows"
        lost = f"not logged any more: {', '.join(gone)}" if (gone := self._gone(policy)) else ""
        many = self.quarantine_share > policy.max_quarantine_share
        return self.damage + ((lost,) if lost else ()) + ((refused,) if many else ())

    def _gone(self, policy: DecisionPolicy) -> tuple[str, ...]:
        return tuple(name for name in self.unwatched if name not in policy.accepted)


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

    `recipes` are ways to train worth trying, the suggested one first; `recipe` is that one, ``{}`` without any. The gain, in
    the policy's currency and after the cost of a retrain, is what a model fitted anew on recent labels was seen to win or,
    where none has been judged, that of a retrain that wins back the whole drop of accuracy.
    """

    window: str
    version: str
    action: str  # retrain | wait | get_labels | fix_data
    cause: str  # as in Diagnosis
    expected_gain: float
    gain_low: float
    gain_high: float
    recipe: Recipe
    recipes: tuple[Recipe, ...]
    diagnosis: Diagnosis
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    due: bool
    sentence: str
