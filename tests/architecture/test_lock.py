"""The locks satisfy what pyproject.toml asks for, pin every file by its hash, and name no server."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
SPARK = ROOT / "tests" / "requirements-spark.lock"  # large, and needed by its own tests only
CLUSTER = ROOT / "docker" / "requirements-cluster.lock"

PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]+\])?==([^\s;]+)(?: ; .+?)? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")


def read(text: str) -> tuple[dict[str, str], list[str]]:
    """Versions by name, and what is wrong with the file."""
    versions: dict[str, str] = {}
    hashes: dict[str, int] = {}
    faults, name = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := PIN.fullmatch(line):
            name = canonicalize_name(match[1])
            versions[name] = match[2]
            hashes[name] = 0
        elif name and HASH.fullmatch(line):
            hashes[name] += 1
        elif line.strip() and not line.lstrip().startswith("#"):
            faults.append(f"line {number} is neither a pin nor a hash: {line}")
        if "://" in line:
            faults.append(f"line {number} names a server: {line}")
    return versions, faults + [f"{name} has no hash" for name, count in hashes.items() if not count]


def unmet(lines: list[str], versions: dict[str, str]) -> list[str]:
    found = []
    for requirement in map(Requirement, lines):
        version = versions.get(canonicalize_name(requirement.name))
        wanted = requirement.marker is None or requirement.marker.evaluate()
        if wanted and (version is None or not requirement.specifier.contains(version, prereleases=True)):
            found.append(f"{requirement}, locked: {version}")
    return found


def asked_for() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table = project["project"]
    groups = [table["dependencies"], *table["optional-dependencies"].values(), *project["dependency-groups"].values()]
    return [line for line in chain.from_iterable(groups) if not line.startswith("upkeep[")]


@pytest.mark.parametrize("lock", [LOCK, SPARK, CLUSTER], ids=lambda path: path.name)
def test_every_package_is_pinned_by_hash_and_no_server_is_named(lock):
    versions, faults = read(lock.read_text())
    assert versions
    assert faults == []


def test_the_lock_satisfies_the_project():
    versions, spark = read(LOCK.read_text())[0], read(SPARK.read_text())[0]
    assert unmet(asked_for(), versions | spark) == []
    assert set(spark) == {"pyspark", "py4j"}
    assert not versions.keys() & spark.keys()


def test_the_cluster_lock_satisfies_what_the_image_asks_for():
    lines = (ROOT / "docker" / "requirements-cluster.in").read_text().splitlines()
    versions = read(LOCK.read_text())[0] | read(CLUSTER.read_text())[0]
    assert unmet([line for line in lines if line and not line.startswith("#")], versions) == []


def test_the_cluster_lock_replaces_nothing():
    both = read(LOCK.read_text())[0].keys() & read(CLUSTER.read_text())[0].keys()
    assert not both, "run docker/cluster_lock.py: requirements.lock has moved on"


def test_a_lock_that_is_wrong_is_found():
    good = "numpy==2.1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    assert read(good) == ({"numpy": "2.1.0"}, [])
    assert read(good + "scipy==1.15.0 \\\n")[1] == ["scipy has no hash"]
    assert len(read("--find-links https://host/simple\n" + good)[1]) == 2
    assert len(read("numpy>=2\n")[1]) == 1
    assert unmet(["numpy>=2.2"], {"numpy": "2.1.0"}) == ["numpy>=2.2, locked: 2.1.0"]
    assert unmet(["scipy"], {"numpy": "2.1.0"}) == ["scipy, locked: None"]
