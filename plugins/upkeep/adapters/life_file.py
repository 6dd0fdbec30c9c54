"""Lives from YAML files: one file points the DAGs at another table, target and model."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import yaml

from upkeep.core.life import Json, Life
from upkeep.errors import InputError


def read_life(path: Path) -> Life:
    """One file, parsed by the safe loader. ``${NAME}`` and ``${NAME:-default}`` are taken from the environment."""
    try:
        record = yaml.safe_load(_substitute(path.read_text(encoding="utf-8"), path))
    except FileNotFoundError as err:
        raise InputError(
            f"a life is described by a YAML file, but {path} does not exist. Copy dags/config/taxi.yaml."
        ) from err
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path} must be a readable YAML file in UTF-8, but: {err}. Name another.") from err
    except yaml.YAMLError as err:
        reason = " ".join(str(err).split())
        raise InputError(f"{path} must be YAML, but: {reason}. Correct the line it names.") from err
    if not isinstance(record, dict):
        raise InputError(f"{path} must hold keys and values, got {type(record).__name__}. Copy dags/config/taxi.yaml.")
    return Life.from_json(record, path.name)


def lives(folder: Path) -> list[Life]:
    """Every ``*.yaml`` of `UPKEEP_LIVES` or else of `folder`, by name."""
    chosen = Path(os.environ.get("UPKEEP_LIVES") or folder)
    found = [read_life(path) for path in sorted(chosen.glob("*.yaml"))]
    for what in ("name", "dataset", "model"):
        values = [getattr(life, what) for life in found]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise InputError(
                f"each life in {chosen} must have a {what} of its own, but {', '.join(twice)} is there more than once. Rename it."
            )
    return found


def read_suite(name: str) -> Json:
    """An expectation suite by file name, from `UPKEEP_EXPECTATIONS` or ``./expectations``."""
    folder = Path(os.environ.get("UPKEEP_EXPECTATIONS", "expectations")).absolute()
    path = (folder / name).resolve()
    known = sorted(p.name for p in folder.glob("*.json"))
    if path.parent != folder.resolve() or path.name not in known:
        raise InputError(
            f"a suite must be one of {known or 'no files'} in {folder}, got {name!r}. Set UPKEEP_EXPECTATIONS."
        )
    try:
        suite: Json = json.loads(path.read_bytes())
    except ValueError as err:
        raise InputError(f"suite {path.name} must be JSON, but: {err}. Correct the line it names.") from err
    return suite


def _substitute(text: str, path: Path) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match["name"], match["default"])
        if found is None:
            raise InputError(f"{path.name} needs the environment variable {match['name']}, which is not set. Set it.")
        return found

    return re.sub(r"\$\{(?P<name>[A-Z_][A-Z0-9_]*)(:-(?P<default>[^}]*))?\}", value, text)
