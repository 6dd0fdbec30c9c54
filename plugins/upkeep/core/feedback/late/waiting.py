"""The late rows themselves, by id, until their labels come."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

#: Codes of rows, shape (columns, m), and what each counts, shape (m,).
Taken: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.float64]]


class Waiting:
    """Codes and weights of late rows; a row comes and goes at a cost that does not depend on how many there are."""

    def __init__(self, columns: int) -> None:
        self.ids: list[Hashable] = []
        self._place: dict[Hashable, int] = {}
        self._codes = np.zeros((columns, 64), dtype=np.uint8)
        self._weights = np.zeros(64)

    @property
    def codes(self) -> NDArray[np.uint8]:
        return self._codes[:, : len(self.ids)]

    @property
    def weights(self) -> NDArray[np.float64]:
        return self._weights[: len(self.ids)]

    def add(self, ids: Sequence[Hashable], codes: NDArray[np.uint8], weights: NDArray[np.float64]) -> None:
        """Rows begin to wait; InputError, and nothing is changed, if one waits already."""
        twice = next((one for one in ids if one in self._place), None)
        if twice is not None or len(set(ids)) < len(ids):
            raise InputError(
                f"a prediction may be added once, but {twice if twice is not None else 'an id of these rows'!r} came "
                "twice. Leave out what was added before."
            )
        held, more = len(self.ids), len(self.ids) + len(ids)
        if more > len(self._weights):
            room = 2 * more - held
            self._codes = np.pad(self._codes[:, :held], ((0, 0), (0, room - held)))
            self._weights = np.pad(self._weights[:held], (0, room - held))
        self._codes[:, held:more], self._weights[held:more] = codes, weights
        self.ids.extend(ids)
        self._place.update(zip(ids, range(held, more), strict=True))

    def take(self, ids: Iterable[Hashable]) -> Taken:
        """Those of the ids that wait, each once; they wait no longer."""
        places = [place for one in dict.fromkeys(ids) if (place := self._place.get(one)) is not None]
        gone = self._codes[:, places], self._weights[places]
        for place in sorted(places, reverse=True):  # the last one moves to where one has gone
            last = len(self.ids) - 1
            del self._place[self.ids[place]]
            moved = self.ids.pop()
            if place != last:
                self.ids[place], self._place[moved] = moved, place
                self._codes[:, place], self._weights[place] = self._codes[:, last], self._weights[last]
        return gone

    def fade(self, factor: float, least: float) -> Taken:
        """Weights times a factor; rows that then count less than `least` wait no longer, and are returned."""
        self._weights[: len(self.ids)] *= factor
        return self.take([self.ids[place] for place in np.flatnonzero(self.weights < least)])
