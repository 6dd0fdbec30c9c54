import numpy as np

from upkeep.core.feedback.delay.groups import DelayGroups


def slow_zone(rng, rows):
    zone = rng.choice(np.array(["Bronx", "Kings"], dtype=object), rows)
    return zone, np.where(zone == "Bronx", 20.0, 5.0) + rng.random(rows), np.zeros(rows, dtype=bool)


def test_groups_are_found_among_hundreds_of_columns():
    rng = np.random.default_rng(0)
    zone, hours, pending = slow_zone(rng, 500)
    levels = np.array([f"v{i}" for i in range(40)], dtype=object)
    others = {f"t{j}": rng.choice(levels, 500) for j in range(400)}
    assert DelayGroups.find(others | {"zone": zone}, hours, pending).column == "zone"


def test_columns_that_cannot_be_counted_tell_no_groups_apart():
    zone, hours, pending = slow_zone(np.random.default_rng(1), 500)
    odd = {
        "day": np.full(500, np.datetime64("2024-01-01", "D")),
        "took": np.full(500, np.timedelta64(3, "h")),
        "gone": np.full(500, None),
    }
    assert DelayGroups.find(odd | {"zone": zone}, hours, pending).column == "zone"
    assert DelayGroups.find(odd, hours, pending).column == ""


def test_of_columns_that_tell_the_same_the_first_is_taken():
    zone, hours, pending = slow_zone(np.random.default_rng(2), 500)
    assert DelayGroups.find({"a": zone, "b": zone}, hours, pending).column == "a"
