"""`upkeep demo`: the whole life of a model on a local Airflow, from nothing to a gated retrain."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upkeep.errors import BackendError, GateClosed, InputError

if TYPE_CHECKING:
    from upkeep.cli.servers import LocalAirflow, LocalMlflow, Server
    from upkeep.cli.story import Story

Json = dict[str, Any]

FIRST_WEEKS, STABLE_WEEKS, ROWS, SEED, START = 4, 3, 20_000, 7, "2025-11-03"
CONCEPT_WEEK = FIRST_WEEKS + STABLE_WEEKS
LATEST_RETRAIN_WEEK = CONCEPT_WEEK + 4


def add_commands(commands: Any) -> None:
    """Add the demo to the parser."""
    parser = commands.add_parser(
        "demo",
        help="run a model's life on a local Airflow, up to a gated retrain",
        description="Start Airflow and MLflow on loopback, let weeks of trips arrive, and tell what happens.",
        epilog="example: upkeep demo --once",
    )
    parser.add_argument("--home", type=Path, default=Path("var/demo"), help="folder, made anew (default var/demo)")
    parser.add_argument(
        "--once", action="store_true", help="stop the servers at the end instead of leaving them to look at"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Live through the life and give an account."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by either, the servers are ended too
    home = _fresh(chosen.home.absolute())
    _prepare_environment(home)
    with _servers(home) as (airflow, mlflow, peak):
        story = _story(airflow, started)
        story.until_dags_are_there()
        stable = _live(story)
        _account(story, stable)
        print(f"\nwall time {time.monotonic() - started:.0f} s, peak memory of the servers {peak[0]:.0f} MiB")
        print(f"Airflow  {airflow.url}  (user admin, password {airflow.password})\nMLflow   {mlflow.url}")
        if not chosen.once:
            print("Both are running for you to look at; Ctrl-C ends them.", flush=True)
            signal.pause()


def _fresh(home: Path) -> Path:
    """An empty folder; one that is not a demo's is left alone."""
    marker = home / ".upkeep-demo"
    if home.exists() and any(home.iterdir()) and not marker.exists():
        raise InputError(f"{home} must be empty or an earlier demo's, but holds other files. Choose another --home.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    marker.touch()
    return home


def _prepare_environment(home: Path) -> None:
    project = Path.cwd()
    if not (project / "dags" / "config").is_dir():
        raise InputError(
            f"the demo runs the DAGs of a checkout, but {project} has no dags/config. Run it in the checkout."
        )
    os.environ |= {
        "UPKEEP_HOME": str(home),
        "UPKEEP_EXPECTATIONS": str(project / "expectations"),
        "UPKEEP_POLL_S": "2",
        "UPKEEP_TAXI_FIRST_BATCHES": str(FIRST_WEEKS),
    }


@contextmanager
def _servers(home: Path) -> Iterator[tuple[LocalAirflow, LocalMlflow, list[float]]]:
    from upkeep.cli.servers import LocalAirflow, LocalMlflow

    print("starting MLflow and Airflow on loopback ...", flush=True)
    running: list[Server] = []
    peak, stop = [0.0], threading.Event()
    try:
        mlflow = LocalMlflow(home)
        running.append(mlflow)
        mlflow.wait()
        os.environ |= {"MLFLOW_TRACKING_URI": mlflow.url, "UPKEEP_MLFLOW_URL": mlflow.url}
        airflow = LocalAirflow(home / "airflow", Path.cwd() / "dags", {})
        running.append(airflow)
        airflow.wait()
        watch = threading.Thread(target=_watch_memory, args=(running, peak, stop), daemon=True)
        watch.start()
        yield airflow, mlflow, peak
    finally:
        stop.set()
        for server in reversed(running):
            server.stop()


def _watch_memory(running: list[Server], peak: list[float], stop: threading.Event) -> None:
    while not stop.wait(2):
        peak[0] = max(peak[0], sum(server.memory_mib() for server in running))


def _story(airflow: LocalAirflow, started: float) -> Story:
    from upkeep.adapters.backends import Backends
    from upkeep.adapters.life_file import read_life
    from upkeep.adapters.workspace import Workspace
    from upkeep.cli.airflow_api import AirflowApi
    from upkeep.cli.story import Story

    def tell(line: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {line}", flush=True)

    tell("Airflow is up")
    life = read_life(Path("dags/config/taxi.yaml"))
    return Story(
        life=life,
        api=AirflowApi(airflow.url, "admin", airflow.password),
        backends=Backends(Workspace.from_environment()),
        tell=tell,
    )


def _live(story: Story) -> int:
    """From the first weeks to a promoted retrain; returns how many decisions the stable phase had."""
    _drop(0, FIRST_WEEKS)
    story.tell(f"{FIRST_WEEKS} weeks of trips dropped into the inbox")
    first = story.until_first_model()
    for week in range(FIRST_WEEKS, LATEST_RETRAIN_WEEK):
        decision = _week(story, week)
        if decision["due"] and week < CONCEPT_WEEK:
            raise BackendError(f"a stable week must raise no suggestion, but week {week} did: {decision['sentence']}")
        if decision["due"]:
            break
    else:
        raise BackendError(
            f"the concept shift of week {CONCEPT_WEEK} must lead to a suggestion by week {week}, but did not."
        )
    story.approve()
    if story.until_retrained() == "failed" or story.champion() == first:
        raise GateClosed("the retrained model must pass the gate and be promoted, but the first is still champion.")
    story.tell(f"challenger passed the gate and is champion: {story.life.model} v{story.champion()}")
    _week(story, week + 1)
    return STABLE_WEEKS


def _week(story: Story, week: int) -> Json:
    """A week's trips come, the model is looked at, then its tips come, and something is decided."""
    from upkeep.adapters.trip_files import write_tips

    _drop(week, 1, tips=False)
    story.until_estimated(week - FIRST_WEEKS + 1)
    write_tips(_inbox(), week, **_simulated())
    return story.until_decision(week - FIRST_WEEKS + 1)


def _drop(first: int, weeks: int, *, tips: bool = True) -> None:
    from upkeep.adapters.trip_files import write_week

    for week in range(first, first + weeks):
        write_week(_inbox(), week, **_simulated(), tips=tips)


def _inbox() -> Path:
    return Path(os.environ["UPKEEP_HOME"]) / "inbox"


def _simulated() -> Json:
    from upkeep.core.simulation.incidents import Incidents

    return {"start": START, "rows": ROWS, "seed": SEED, "incidents": Incidents(concept_week=CONCEPT_WEEK)}


def _account(story: Story, stable: int) -> None:
    """What happened, when and why, with the ids that prove it."""
    decisions = story.decisions()
    due = next(decision for decision in decisions if decision["due"])
    promotion = story.api.runs(f"{story.life.name}_retrain")[-1]
    champion = story.backends.tracker.load(story.life.model, str(story.champion()))
    trained = story.backends.tracker.record(story.life.model, champion.version, "training")
    windows = story.records("realized")[:stable]
    held = sum(bool(window["held"]) for window in windows)
    print(f"\nstable phase: {stable} weeks, {sum(d['due'] for d in decisions[:stable])} suggestions")
    print(f"estimates:    {held} of {len(windows)} stable weeks turned out within the band given before any label came")
    print(f"              {windows[-1]['window']}: {windows[-1]['sentence']}")
    print(f"why:          {due['sentence']}")
    print(f"decision:     {due['id']}  (evidence: {', '.join(due['evidence'])})")
    print(f"retrain:      {promotion['dag_run_id']}, approved and gated")
    print(f"outcome:      {due['outcome']['sentence']}")
    print(f"MLflow run:   {champion.run_id}  ({story.life.model} v{champion.version}, alias champion)")
    print(f"DVC tag:      {trained['tag']}, its last {len(trained['batches'])} batches")
