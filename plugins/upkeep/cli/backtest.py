"""`upkeep backtest`: what retraining by each policy would have cost and brought on a labelled table of yours."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upkeep.errors import InputError

if TYPE_CHECKING:
    from upkeep.core.columns import Columns
    from upkeep.core.retrain.backtest.policy import Fit, Policy
    from upkeep.core.retrain.backtest.replay import Replay
    from upkeep.core.retrain.backtest.stream import LabelledStream, Window

OURS = "upkeep"
NAMES = ("never", "every", "ks", "psi", "adwin", "ddm", OURS)
SEED = 0


def add_commands(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "backtest",
        help="replay a labelled table, and compare policies of when to retrain",
        description="Live through a labelled CSV or Parquet table window by window, with labels as late as they were, and "
        "say what each policy of retraining would have cost and brought.",
        epilog="example: upkeep backtest trips.parquet --time pickup --label tipped --window 7d --delay-h 24",
    )
    parser.add_argument("source", help="file or folder, below the inbox or a folder of UPKEEP_SOURCES")
    parser.add_argument("--time", required=True, metavar="COLUMN", help="when a row is predicted")
    parser.add_argument("--label", required=True, metavar="COLUMN", help="0 or 1, or a boolean")
    parser.add_argument(
        "--features", nargs="+", metavar="COLUMN", help="default: numbers, texts and booleans that remain"
    )
    parser.add_argument("--window", default="7d", help="7d, 12h, or a number of rows (default 7d)")
    parser.add_argument(
        "--train", type=int, default=8, metavar="N", help="windows that a model is trained on (default 8)"
    )
    late = parser.add_mutually_exclusive_group()
    late.add_argument("--known-at", metavar="COLUMN", help="when a row's label came in")
    late.add_argument("--delay-h", type=float, default=24.0, help="mean of drawn exponential delays (default 24)")
    parser.add_argument("--policies", nargs="+", choices=NAMES, metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument(
        "--every", type=int, default=4, metavar="K", help="windows between retrains of `every` (default 4)"
    )
    parser.add_argument("--factory", metavar="MODULE:FUNCTION", help="returns an unfitted scikit-learn classifier")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write errors and retrains here, as JSON")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw error and retrains by window, as SVG")
    parser.set_defaults(run=backtest)


def backtest(chosen: argparse.Namespace) -> None:
    """Run the command."""
    from upkeep.adapters.atomic_files import write_atomically
    from upkeep.adapters.backtest_model import BOOSTED, fit_by, one_thread
    from upkeep.core.retrain.backtest.replay import replay
    from upkeep.core.retrain.backtest.training import TrainingRule

    for option, path in (("--out", chosen.out), ("--picture", chosen.picture)):
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise InputError(
                f"{option} must name a file in a folder that exists, got {str(path)!r}. Make its folder first."
            )
    fit, runs = fit_by(chosen.factory or BOOSTED), {}
    makers = _policies(chosen.policies, chosen.every, fit)
    stream = _stream(chosen)
    windows, rule = _windows(stream, chosen.window), TrainingRule(windows=chosen.train)
    for name, make in makers.items():
        with one_thread(), _progress(name, len(windows) - rule.windows) as advance:
            runs[name] = replay(stream, windows, make(), fit, rule=rule, advance=advance)
    if chosen.out:
        write_atomically(chosen.out, json.dumps(_record(runs), indent=1, allow_nan=False).encode())
    if chosen.picture:
        from upkeep.adapters.backtest_picture import backtest_picture

        write_atomically(chosen.picture, backtest_picture(runs, OURS).encode())
    for line in described(runs):
        print(line)


def _policies(names: Sequence[str] | None, every: int, fit: Fit) -> dict[str, Callable[[], Policy]]:
    """Each policy's maker; river's detectors are left out if it is not installed, unless asked for."""
    from importlib.util import find_spec

    from upkeep.core.retrain.backtest.adwin import Adwin
    from upkeep.core.retrain.backtest.ddm import Ddm
    from upkeep.core.retrain.backtest.every_k import EveryK
    from upkeep.core.retrain.backtest.ks import KolmogorovSmirnov
    from upkeep.core.retrain.backtest.never import Never
    from upkeep.core.retrain.backtest.psi import PopulationStability
    from upkeep.core.retrain.backtest.upkeep_policy import UpkeepPolicy

    EveryK(every)  # a wrong k is said before anything is read
    known: dict[str, Callable[[], Policy]] = {
        "never": Never, "every": lambda: EveryK(every), "ks": KolmogorovSmirnov, "psi": PopulationStability,
        "adwin": Adwin, "ddm": Ddm, OURS: lambda: UpkeepPolicy(fit),
    }  # fmt: skip
    river = find_spec("river") is not None
    wanted = [name for name in NAMES if name in names] if names else list(NAMES)
    if names and not river and {"adwin", "ddm"} & set(wanted):
        raise InputError("adwin and ddm are river's detectors, which is not installed. Install upkeep[backtest].")
    return {name: known[name] for name in wanted if river or name not in ("adwin", "ddm")}


def _stream(chosen: argparse.Namespace) -> LabelledStream:
    import numpy as np

    from upkeep.core.retrain.backtest.delays import exponential_delays
    from upkeep.core.retrain.backtest.stream import LabelledStream

    table, left_out = _read(chosen)
    label, when = table.pop(chosen.label), table.pop(chosen.time)
    known = table.pop(chosen.known_at) if chosen.known_at else None
    if left_out:
        print(f"left out: {', '.join(left_out)}, as a model cannot use times; add their hour or weekday as numbers")
    if not table:
        raise InputError("a model needs at least one feature, got none. Name columns with --features.")
    if known is None:
        delays = exponential_delays(chosen.delay_h, len(label), np.random.default_rng(SEED))
    else:
        delays = np.where(np.isnat(known), np.inf, (known - when) / np.timedelta64(1, "h"))
    return LabelledStream.of(table, label.astype(np.float64), when, delays)


def _read(chosen: argparse.Namespace) -> tuple[Columns, list[str]]:
    """The columns that are needed, and features left out because they are times."""
    from upkeep.adapters.batch_files import BatchFiles
    from upkeep.adapters.workspace import Workspace
    from upkeep.core.columns import concatenate

    _refuse_two_uses(chosen)
    source = BatchFiles(Workspace.from_environment())
    files = [source.open(uri) for uri in source.list(chosen.source)]
    if not files:
        raise InputError(f"a table must have CSV or Parquet files, but {chosen.source!r} has none. Name another.")
    kinds = files[0].kinds
    times = [chosen.time] + ([chosen.known_at] if chosen.known_at else [])
    features = chosen.features or [n for n, kind in kinds.items() if n not in (*times, chosen.label) and kind != "null"]
    wanted = list(dict.fromkeys([*features, chosen.label, *times]))
    absent = [name for name in wanted if name not in kinds]
    if absent:
        raise InputError(f"{chosen.source!r} must have the columns {wanted}, but lacks {absent}. It has {list(kinds)}.")
    wrong = [name for name in times if kinds[name] != "datetime"]
    if wrong or kinds[chosen.label] not in ("integer", "number", "boolean"):
        name = wrong[0] if wrong else chosen.label
        raise InputError(
            f"column {name!r} must be {'times in ISO 8601' if wrong else '0 and 1, or booleans'}, but is {kinds[name]}. "
            "Convert it."
        )
    left_out = [name for name in features if kinds[name] == "datetime"]
    # whole numbers that are gapless in one file may not be in the next
    kept = {n: "number" if kinds[n] == "integer" else kinds[n] for n in wanted if n not in left_out}
    return concatenate(chunk for file in files for chunk in file.chunks(kept)), left_out


def _refuse_two_uses(chosen: argparse.Namespace) -> None:
    used: dict[str, str] = {}
    told = {"the time": chosen.time, "the label": chosen.label, "when the label came in": chosen.known_at}
    for use, name in [*told.items(), *(("a feature", name) for name in dict.fromkeys(chosen.features or ()))]:
        if name in used:
            raise InputError(f"column {name!r} is {used[name]} and cannot be {use} as well. Name another.")
        if name is not None:
            used[name] = use


def _windows(stream: LabelledStream, text: str) -> tuple[Window, ...]:
    from upkeep.core.retrain.backtest.stream import windows_by_hours, windows_by_rows

    found = re.fullmatch(r"(\d{1,15})([dh]?)", text)
    if not found or not int(found[1]):
        raise InputError(f"--window must be days, hours or rows like 7d, 12h or 500, got {text[:40]!r}.")
    count = int(found[1])
    return (
        windows_by_hours(stream, count * (24 if found[2] == "d" else 1)) if found[2] else windows_by_rows(stream, count)
    )


@contextmanager
def _progress(name: str, windows: int) -> Iterator[Callable[[], None]]:
    from tqdm import tqdm

    with tqdm(total=windows, unit="window", desc=name, leave=False, disable=None) as bar:

        def advance() -> None:
            bar.update()

        yield advance


def described(runs: Mapping[str, Replay]) -> list[str]:
    """A line per policy, and a sentence on what ours would have done."""
    first = next(iter(runs.values()))
    lines = [f"{len(first.windows)} live windows, {int(first.rows.sum()):,} predictions"]
    lines.append(f"{'policy':<12}{'mean error':>12}{'retrains':>10}")
    lines += [f"{name:<12}{run.mean_error:>12.2%}{len(run.retrains):>10}" for name, run in runs.items()]
    return lines + ([f"Upkeep {_did(runs[OURS])}{_fared(runs, OURS)}."] if OURS in runs else [])


def _did(ours: Replay) -> str:
    count = len(ours.retrains)
    when = ", ".join(f"{retrain.name[:10]} ({retrain.cause.replace('_', ' ')})" for retrain in ours.retrains[:5])
    more = f" and {count - 5} more" if count > 5 else ""
    times = "once" if count == 1 else f"{count} times"
    return f"would have retrained {times}: {when}{more}" if count else "would not have retrained"


def _fared(runs: Mapping[str, Replay], ours: str) -> str:
    """How the error of ours compares with the others', as the end of a sentence; nothing without others."""
    from upkeep.core.retrain.backtest.comparison import LEAST_BLOCKS, error_difference

    others = {name: error_difference(runs[ours], run) for name, run in runs.items() if name != ours}
    if not others:
        return ""
    if not all(difference.told for difference in others.values()):
        count = len(runs[ours].windows)
        are = "1 live window is" if count == 1 else f"{count} live windows are"
        return f"; {are} too few to tell whose error is lower, as that takes {LEAST_BLOCKS}"
    worse = [name for name, difference in others.items() if difference.worse]
    fared = f"clearly worse than {', '.join(worse)}" if worse else "no worse than any other policy"
    return f"; its error is {fared} (two standard errors)"


def _record(runs: Mapping[str, Replay]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        name: {
            "mean_error": run.mean_error,
            "windows": list(run.windows),
            "rows": run.rows.tolist(),
            "wrong": run.wrong.tolist(),
            "retrains": [asdict(retrain) for retrain in run.retrains],
        }
        for name, run in runs.items()
    }
