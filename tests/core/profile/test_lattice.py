import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.profile.grid import NumericCells, ReferenceGrid
from upkeep.core.profile.lattice import Lattice
from upkeep.core.profile.profile import Profile

NUMBERS = st.one_of(
    st.floats(-1e3, 1e3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-20, 20).map(float),
    st.sampled_from([0.0, -0.0, 5e-324, 1.0, np.nextafter(1.0, 2.0), 1e307, -1e307, 1.7e308]),
)
SOURCES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "far from zero": lambda rng, n: 1e9 + rng.normal(size=n),
    "long right tail": lambda rng, n: np.exp(3 * rng.normal(size=n)),
    "a third zeros": lambda rng, n: np.where(rng.random(n) < 0.3, 0.0, rng.pareto(1.1, n)),
    "two long tails": lambda rng, n: rng.standard_cauchy(n) ** 3,
    "few values": lambda rng, n: rng.integers(0, 6, n).astype(float),
    "cents": lambda rng, n: np.round(rng.gamma(4, 0.5, n), 2),
}


@given(st.lists(NUMBERS, min_size=1, max_size=80, unique=True), st.lists(NUMBERS, min_size=1, max_size=80))
def test_it_finds_the_cell_that_a_binary_search_finds(cuts, values):
    cuts, values = np.unique(np.array(cuts)), np.array(values + cuts)
    lattice = Lattice.across(cuts)
    if lattice is not None:
        assert lattice.cells(values).tolist() == np.searchsorted(cuts, values, side="right").tolist()


@pytest.mark.parametrize("source", SOURCES)
def test_every_sort_of_column_is_counted_as_by_a_binary_search(source):
    rng = np.random.default_rng(1)
    table = {"x": SOURCES[source](rng, 40_000)}
    cells = NumericCells.fit(table["x"], bins=1024)
    later = np.concatenate([SOURCES[source](rng, 40_000), cells.cuts, np.nextafter(cells.cuts, -np.inf)])
    counts = Profile.build(ReferenceGrid(cells={"x": cells}), {"x": later}).columns["x"].counts

    assert (
        counts.tolist() == np.bincount(np.searchsorted(cells.cuts, later, side="right"), minlength=cells.size).tolist()
    )


def test_only_columns_with_two_long_tails_are_sorted():
    rng = np.random.default_rng(1)
    sorted_ones = [name for name, draw in SOURCES.items() if NumericCells.fit(draw(rng, 40_000), 1024).lattice is None]
    assert sorted_ones == ["two long tails"]


@pytest.mark.parametrize("least", [0.0, -0.0])
def test_zero_of_either_sign_is_one_number_among_logarithmic_steps(least):
    cuts = np.concatenate([[least], np.geomspace(1e-6, 1e6, 500)])
    lattice = Lattice.across(cuts)
    values = np.concatenate([[-0.0, 0.0, -1.0], cuts])
    assert lattice.logarithmic
    assert lattice.cells(values).tolist() == np.searchsorted(cuts, values, side="right").tolist()


def test_a_stored_grid_whose_first_cut_is_minus_zero_counts_as_a_binary_search_does():
    cuts = [-0.0, 5e-324, *np.geomspace(1e-6, 1e6, 500).tolist()]
    grid = ReferenceGrid.from_json({"format": 1, "columns": {"x": {"cuts": cuts}}})
    later = np.random.default_rng(1).lognormal(sigma=4, size=5_000) - 0.01
    counts = Profile.build(grid, {"x": later}).columns["x"].counts
    assert counts.tolist() == np.bincount(np.searchsorted(cuts, later, side="right"), minlength=len(cuts) + 1).tolist()
    assert str(grid.to_json()["columns"]["x"]["cuts"][0]) == "-0.0"  # its digest is that of what was stored


@pytest.mark.parametrize("cuts", [[], [1.0], [-1e308, 1e308], [1.0, np.nextafter(1.0, 2.0)]])
def test_cuts_without_room_for_steps_have_none_or_a_right_one(cuts):
    lattice = Lattice.across(np.array(cuts))
    assert lattice is None or lattice.cells(np.array([0.5, *cuts])).tolist() == list(range(len(cuts) + 1))
