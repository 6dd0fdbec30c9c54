"""What goes wrong in a simulated life, and when."""

from __future__ import annotations

from dataclasses import dataclass

from upkeep.core.simulation.boroughs import ZONES
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidents:
    """Switches of the generator; by default nothing happens but the seasons.

    Parameters
    ----------
    season : bool
        Hours follow the day and the week, hours and distances the year, mildly. Without it every hour is like any other.
    new_year_week : int or None
        In this week alone P(X) moves: more trips at night, longer ones, more passengers. P(tip | X) stays.
    concept_week : int or None
        From this week on P(tip | X) is another, and P(X) stays: short trips stop tipping, long ones start.
    broken_meter_week : int or None
        In this week alone a share of vendor 2's meters write distance 0, distance x 100 or fare 0.
    broken_meter_share : float
        That share, in [0, 1]. Vendor 2 makes 61 % of the trips.
    late_borough_week : int or None
        From this week on the labels of pickups in `late_borough` come 10 to 24 days late.
    late_borough : str
        "Queens" by default: 6 % of the trips, most of them from the airports.

    Examples
    --------
    >>> Incidents(concept_week=9).concept_week
    9
    """

    season: bool = True
    new_year_week: int | None = None
    concept_week: int | None = None
    broken_meter_week: int | None = None
    broken_meter_share: float = 0.15
    late_borough_week: int | None = None
    late_borough: str = "Queens"

    def __post_init__(self) -> None:
        if self.late_borough not in ZONES:
            raise InputError(f"late_borough must be one of {sorted(ZONES)}, got {self.late_borough!r}.")
        if not 0 <= self.broken_meter_share <= 1:
            raise InputError(f"broken_meter_share must lie in [0, 1], got {self.broken_meter_share}.")

    def concept(self, week: int) -> bool:
        """Whether the new relation holds in this week."""
        return self.concept_week is not None and week >= self.concept_week

    def late(self, week: int) -> bool:
        """Whether the labels of `late_borough` come late for trips of this week."""
        return self.late_borough_week is not None and week >= self.late_borough_week
