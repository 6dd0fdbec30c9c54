"""Frequent pairs of items with mlxtend, and whose rows are late more often than others by these.

    python -m peers.mlxtend FOLDER apriori|fpgrowth both|late SUPPORT LATE_SUPPORT LIMIT_S LIMIT_GB

"both": pairs are counted over all rows and over the late ones, and are put in order as ours are, by the excess of their
share of late rows times their late rows. "late": over the late rows alone; only support is left to put them in order by.
One-hot tables are made before the clock starts. Prints a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import apriori, fpgrowth

from peers.worker import _stop_after, _TooLong, cpu_s, peak_gb


def one_hot(codes: np.ndarray) -> pd.DataFrame:
    """A boolean column per item, named 1000 x column + level."""
    return pd.DataFrame({1000 * j + int(v): row == v for j, row in enumerate(codes) for v in np.unique(row)})


def pairs(method: str, table: pd.DataFrame, support: float) -> dict[frozenset[int], float]:
    """Rows per pair of items."""
    search: Any = {"apriori": apriori, "fpgrowth": fpgrowth}[method]
    options = {"low_memory": True} if method == "apriori" else {}  # else it asks for all pairs times all rows at once
    found = search(table, min_support=support, use_colnames=True, max_len=2, **options)
    sets = zip(found["itemsets"], found["support"], strict=True)
    return {held: share * len(table) for held, share in sets if len(held) == 2}


def main() -> None:
    warnings.filterwarnings("ignore")  # a peer's own, thousands in a run; its errors are kept
    folder, method, over, support, late_support, limit_s, limit_gb = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(float(limit_gb) * 2**30),) * 2)
    codes, late = np.load(Path(folder) / "codes.npy"), np.load(Path(folder) / "late.npy")
    waiting, every = one_hot(codes[:, late]), one_hot(codes) if over == "both" else None
    answer: dict[str, Any] = {"loaded_gb": peak_gb()}
    began = cpu_s()
    _stop_after(float(limit_s))
    try:
        score = pairs(method, waiting, float(late_support))
        if every is not None:
            rows, base = pairs(method, every, float(support)), late.mean()
            score = {held: (many / rows[held] - base) * many for held, many in score.items() if held in rows}
        order = [sorted(held) for held, _ in sorted(score.items(), key=lambda pair: -pair[1])]
        answer |= {"cpu_s": cpu_s() - began, "order": order[:100]}
    except _TooLong:
        answer |= {"cpu_s": cpu_s() - began, "stopped": f"after {float(limit_s):.0f} CPU s"}
    except MemoryError:
        answer |= {"cpu_s": cpu_s() - began, "stopped": f"out of {limit_gb} GB"}
    print("\n" + json.dumps(answer | {"peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()
