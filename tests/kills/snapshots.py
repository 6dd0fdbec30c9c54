"""What is stored, as JSON: all that a killed and repeated stage must leave as a stage that was never killed does."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

Snapshot = dict[str, Any]


def everything(home: Path) -> Snapshot:
    return stored_files(home) | versions(home) | registry(home)


def stored_files(home: Path) -> Snapshot:
    """Manifests and records word by word, data files by content; hidden names are locks and left-overs."""
    found: Snapshot = {"rows": {}, "manifests": {}, "records": {}, "files": {}}
    for path in _visible(home / "data"):
        name = path.relative_to(home / "data").as_posix()
        if path.suffix == ".json":
            found["manifests"][name] = json.loads(path.read_text())
            found["rows"][name] = found["manifests"][name]["rows"]
        else:
            found["files"][name] = _digest(path)
    for folder in ("records", "reports"):
        for path in _visible(home / folder):
            found["records"][path.relative_to(home).as_posix()] = path.read_text()
    return found


def versions(home: Path) -> Snapshot:
    """Tags with their facts, the remote's objects by name and by content, the repository's trees, and what is not clean."""
    if not (home / "versions" / ".git" / "HEAD").exists():
        return {}
    tags = _git(home, "tag", "--list", "--format=%(refname:strip=2) %(contents:subject)").splitlines()
    remote = home / "remote" / "files" / "md5"
    return {
        "tags": {name: json.loads(facts) for name, facts in (line.split(" ", 1) for line in tags)},
        "remote": {
            "".join(path.relative_to(remote).parts): _digest(path)
            for path in sorted(remote.rglob("*"))
            if path.is_file()
        },
        "commits": _git(home, "log", "--reverse", "--format=%T %s").splitlines(),
        "uncommitted": _git(home, "status", "--porcelain"),
        "tagged trees": _git(home, "tag", "--list", "--format=%(refname:strip=2) %(*tree)").splitlines(),
    }


def registry(home: Path) -> Snapshot:
    """Finished runs, model versions and aliases, read with MLflow's own client."""
    if not (home / "mlflow.db").exists():
        return {}
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = {run.info.run_id: _run(run, home / "mlartifacts") for run in client.search_runs(experiments)}
    names = {run_id: json.dumps(content, sort_keys=True) for run_id, content in runs.items()}
    models = {}
    for model in client.search_registered_models():
        numbers = client.search_model_versions(f"name = '{model.name}'")
        models[model.name] = {
            "aliases": {alias: int(number) for alias, number in model.aliases.items()},
            "versions": {int(v.version): {"run": names.get(v.run_id), "tags": v.tags} for v in numbers},
        }
    # Ids and times of runs are chance; runs are compared by what they hold.
    return {"runs": sorted(names.values()), "models": json.loads(json.dumps(models))}


def _run(run: Any, artifacts: Path) -> Snapshot:
    folder = artifacts / run.info.run_id / "artifacts"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    records = {path.name: json.loads(path.read_text()) for path in sorted((folder / "upkeep").glob("*.json"))}
    tags = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")}
    return {
        "status": run.info.status,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": tags,
        "files": files,
        "records": records,
    }


def _visible(folder: Path) -> list[Path]:
    inside = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _digest(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def _git(home: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=home / "versions", capture_output=True, text=True, check=True)
    return done.stdout.strip()
