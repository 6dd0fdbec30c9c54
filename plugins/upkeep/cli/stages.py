"""One command per stage: the same functions that the operators call."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upkeep.errors import GateClosed, InputError

if TYPE_CHECKING:
    from upkeep.lifecycle import Lifecycle

Json = dict[str, Any]
Commands = Any  # argparse keeps the type of its sub-parsers private


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A stage as a command: what it does, how it is called, its own options, and the function behind it."""

    name: str
    help: str
    example: str
    run: Callable[[Lifecycle, argparse.Namespace], Json]
    options: tuple[tuple[str, str], ...] = ()


def ingest(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    return _all_taken(life.ingest(chosen.source))


def validate(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    return life.validate(chosen.point or "raw", _batches(life, chosen))


def prepare(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    return _all_taken(life.prepare(_batches(life, chosen)))


def version(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    return life.version(_batches(life, chosen))


def train(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    versions = life.backends.versions.versions(life.life.dataset)
    wanted = [made for made in versions if not chosen.batches or str(len(made.meta["batches"])) == chosen.batches]
    if not wanted:
        raise InputError(
            f"a dataset version{f' of {chosen.batches} batches' if chosen.batches else ''} must exist, but {life.life.dataset} "
            f"has {len(versions)} versions. Run upkeep ingest, validate, prepare and version first."
        )
    made = wanted[-1]
    _, until = life.span(made.meta["batches"])
    as_of = life.known_until(until)
    settings = hashlib.sha256(json.dumps([life.life.training, as_of], sort_keys=True).encode()).hexdigest()[:8]
    training_id = f"cli/{life.life.model}/{made.tag}/{settings}"
    return life.train(tag=made.tag, as_of=as_of, training_id=training_id, tags={}, recipe={}) | {"as_of": as_of}


def gate(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    challenger = chosen.model_version or life.challenger()
    _, until = life.span(life.latest_batch("features"))
    as_of = life.known_until(until)
    return life.gate(challenger=challenger, evaluation_id=f"cli/v{challenger}", as_of=as_of)


def promote(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    challenger = chosen.model_version or life.challenger()
    return life.promote(version=challenger, evaluation_id=f"cli/v{challenger}")


def rollback(life: Lifecycle, chosen: argparse.Namespace) -> Json:  # noqa: ARG001 - commands share one signature
    return life.rollback()


def score(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    return life.score(chosen.batch or life.latest_batch("features"))


def labels(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    return _all_taken(life.labels(chosen.source))


def monitor(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    since, until = life.span(chosen.batch or life.latest_batch("features"))
    return life.monitor(since=since, until=until)


def realize(life: Lifecycle, chosen: argparse.Namespace) -> Json:  # noqa: ARG001 - commands share one signature
    return life.realize()


def suggest(life: Lifecycle, chosen: argparse.Namespace) -> Json:
    documents, model = life.backends.documents, life.life.model
    windows = documents.names("health", f"{model}/")
    if not windows:
        raise InputError(f"{model} must have been monitored, but has no health report. Run upkeep monitor first.")
    window = chosen.window or windows[-1].removeprefix(f"{model}/")
    decision, state = life.suggest(window=window, state=documents.get("states", model) or {})
    documents.put("states", model, state)
    return decision


_LIFE = "--life dags/config/taxi.yaml"
_BATCH = ("--batch", "id of a batch, may be repeated; without it, all that are in no dataset version yet")
COMMANDS = (
    Command(
        name="ingest",
        help="take new files in, once and whole",
        example=f"upkeep ingest {_LIFE} --source trips",
        run=ingest,
        options=(("--source", "file, folder or URL instead of the life's own"),),
    ),
    Command(
        name="validate",
        help="run an expectation suite; refused rows go to quarantine",
        example=f"upkeep validate {_LIFE} --point raw",
        run=validate,
        options=(("--point", "raw, clean or features"), _BATCH),
    ),
    Command(name="prepare", help="compute features", example=f"upkeep prepare {_LIFE}", run=prepare, options=(_BATCH,)),
    Command(
        name="version",
        help="version with DVC, push, and verify the upload",
        example=f"upkeep version {_LIFE}",
        run=version,
        options=(_BATCH,),
    ),
    Command(
        name="train",
        help="train and register a challenger",
        example=f"upkeep train {_LIFE} --batches 4",
        run=train,
        options=(("--batches", "train from the version that holds this many batches; without it, the newest"),),
    ),
    Command(
        name="gate",
        help="hold the challenger against the champion",
        example=f"upkeep gate {_LIFE}",
        run=gate,
        options=(("--model-version", "registry version; without it, the challenger's"),),
    ),
    Command(
        name="promote",
        help="make the challenger the champion, if its gate is open",
        example=f"upkeep promote {_LIFE}",
        run=promote,
        options=(("--model-version", "registry version; without it, the challenger's"),),
    ),
    Command(name="rollback", help="go back to the champion before", example=f"upkeep rollback {_LIFE}", run=rollback),
    Command(
        name="score",
        help="score a batch with the champion",
        example=f"upkeep score {_LIFE}",
        run=score,
        options=(("--batch", "id of a batch, may be repeated; without it, the newest"),),
    ),
    Command(
        name="labels",
        help="take late labels in",
        example=f"upkeep labels {_LIFE} --source feedback",
        run=labels,
        options=(("--source", "file, folder or URL instead of the life's own"),),
    ),
    Command(
        name="monitor",
        help="look at a window: drift, labels, accuracy",
        example=f"upkeep monitor {_LIFE}",
        run=monitor,
        options=(("--batch", "id of a batch, may be repeated; without it, the newest"),),
    ),
    Command(
        name="realize",
        help="see what became of estimates, with the labels that have come since",
        example=f"upkeep realize {_LIFE}",
        run=realize,
    ),
    Command(
        name="suggest",
        help="decide whether a retrain is due, and why or why not",
        example=f"upkeep suggest {_LIFE}",
        run=suggest,
        options=(("--window", "date of a window; without it, the newest"),),
    ),
)


def add_commands(commands: Commands) -> None:
    """Add every stage to the parser."""
    for command in COMMANDS:
        parser = commands.add_parser(
            command.name,
            help=command.help,
            description=command.help.capitalize() + ".",
            epilog=f"example: {command.example}",
        )
        parser.add_argument("--life", type=Path, default=Path("dags/config/taxi.yaml"), help="the life's YAML file")
        parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")
        for flag, text in command.options:
            parser.add_argument(flag, help=text, action="append" if flag == "--batch" else "store")
        parser.set_defaults(run=_runner(command))


def _runner(command: Command) -> Callable[[argparse.Namespace], None]:
    def run(chosen: argparse.Namespace) -> None:
        from upkeep.adapters.atomic_files import write_atomically
        from upkeep.adapters.life_file import read_life
        from upkeep.lifecycle import Lifecycle

        result = command.run(Lifecycle(read_life(chosen.life)), chosen)
        if chosen.json:
            write_atomically(chosen.json, (json.dumps(result, indent=1) + "\n").encode())
        if not result.get("passed", True):
            raise GateClosed(result["sentence"])
        print(
            result.get("sentence")
            or ", ".join(f"{key}: {value}" for key, value in result.items() if value not in ("", [], {}))
        )

    return run


def _all_taken(result: Json) -> Json:
    """Files or batches that were refused make the command fail, after the others have been dealt with."""
    if result["refused"]:
        raise InputError(" ".join(result["refused"].values()))
    return result


def _batches(life: Lifecycle, chosen: argparse.Namespace) -> list[str]:
    found: list[str] = chosen.batch or life.open_batches()
    if not found:
        raise InputError(
            "a batch must be waiting for this stage, but none is. Run upkeep ingest, or name one by --batch."
        )
    return found
