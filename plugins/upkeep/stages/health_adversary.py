"""What adversarial validation carries from window to window of a model version."""

from __future__ import annotations

from dataclasses import dataclass, replace

from upkeep.core.columns import Columns
from upkeep.core.drift.adversary import Adversary
from upkeep.core.drift.adversary_baseline import AdversaryBaseline
from upkeep.core.drift.adversary_judge import AdversaryReport
from upkeep.ports import Documents, Json


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opponent:
    """An adversary within a window, and what leads of its AUC over one half are natural."""

    adversary: Adversary
    baseline: AdversaryBaseline

    def knows(self, rows: Columns) -> bool:
        """Whether the rows have every column that it was started with."""
        return set(self.adversary.reference.grid.cells) <= set(rows)

    def update(self, rows: Columns) -> Opponent:
        """After more live rows, which it sees before it learns from them."""
        return replace(self, adversary=self.adversary.update(rows))

    def report(self, *, alpha: float, look: int, hours: float) -> AdversaryReport:
        """What a window of so many hours shows."""
        return self.adversary.report(look=look, alpha=alpha, tolerance=self.baseline.tolerance(hours))


def resume(documents: Documents, reference: Json, *, model: str, version: str, begin: str) -> Opponent | None:
    """The version's adversary as it was after the last window that ended when this one began, or before.

    `begin` is the name of a window that ends where this one begins; so no row is seen again after it was learned from. A
    window that is looked at again is passed by the same adversary again. None for a version whose reference has no
    adversary: it was trained on few rows, or before there was such a thing.
    """
    if not reference.get("adversary"):
        return None
    baseline = AdversaryBaseline.from_json(reference["adversary"])
    names = documents.names("adversaries", f"{model}/v{version}/")
    earlier = [name for name in names if name.rpartition("/")[2] <= begin]
    last = documents.get("adversaries", max(earlier)) if earlier else None
    if last is None:
        return Opponent(adversary=baseline.start, baseline=baseline)
    whole = last | {"reference": reference["adversary"]["start"]["reference"]}
    return Opponent(adversary=Adversary.from_json(whole).next_window(), baseline=baseline)


def keep(documents: Documents, opponent: Opponent, *, model: str, version: str, window: str) -> None:
    """Store what it has learned; the reference sample is kept once, with the version."""
    state = opponent.adversary.to_json()
    del state["reference"]
    documents.put("adversaries", f"{model}/v{version}/{window}", state)
