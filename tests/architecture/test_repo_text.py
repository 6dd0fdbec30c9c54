"""What the files of the repository must not say, how long they may be, and that each dependency is explained."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

# Written so that this file does not match itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.})~-])/(?:work|root|home/\w+|tmp/\w+)\b(?!-)"),
    "a registry's host": re.compile(
        r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|proxy[.]golang[.]org|quay[.]io|ghcr[.]io"
    ),
    "an index address": re.compile(r"--(?:extra-)?index-url[ =]\S*:"),
    "a note of unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b"),
}
VAGUE = {"utils.py", "helpers.py", "common.py", "util.py", "helper.py", "misc.py"}
# Longest file allowed, by the pattern of its path; the first that matches counts.
LENGTHS = {
    "dags/*.py": 60,
    "plugins/upkeep/operators/*.py": 80,
    "plugins/upkeep/sensors/*.py": 80,
    "plugins/upkeep/triggers/*.py": 80,
    "plugins/**/*.py": 250,
}


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def faults(name: str, text: str) -> list[str]:
    """What is wrong with a text, as ``file:line: what: the match``."""
    return [
        f"{name}:{number}: {what}: {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if (match := pattern.search(line))
    ]


def too_long(root: Path) -> list[str]:
    limits: dict[Path, int] = {}
    for pattern, limit in LENGTHS.items():
        for file in root.glob(pattern):
            limits.setdefault(file, limit)
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in limits}
    return [
        f"{file.relative_to(root)}: {n} lines, {limits[file]} allowed"
        for file, n in lengths.items()
        if n > limits[file]
    ]


def declared() -> set[str]:
    """Every dependency of the package, its extras, its development group and the cluster image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table = project["project"]
    cluster = (ROOT / "docker" / "requirements-cluster.in").read_text().splitlines()
    groups = [table["dependencies"], *table["optional-dependencies"].values(), *project["dependency-groups"].values()]
    groups.append([line for line in cluster if line and not line.startswith("#")])
    return {canonicalize_name(Requirement(line).name) for line in chain.from_iterable(groups)} - {"upkeep"}


def explained(text: str) -> set[str]:
    return {canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)` \| .{10,} \|$", text, flags=re.MULTILINE)}


def test_no_file_names_this_machine_or_a_registry_or_leaves_a_note():
    found = []
    for file in files():
        try:
            found += faults(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            assert b"\0" in file.read_bytes(), f"{file} is neither UTF-8 text nor binary"
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "see /" + "work/main",
        "file:///" + "tmp/out.json",
        "open('/" + "root/x')",
        "/" + "home/anna/data",
        "https://pypi" + ".org/simple",
        "pip --index" + "-url https://host/simple",
        "# TO" + "DO: later",
    ],
)
def test_each_of_those_would_be_found(line):
    assert len(faults("file", f"first line\n{line}\n")) == 1


@pytest.mark.parametrize(
    "line", ["frame/work", "$HOME/work", "the /workspace volume", "{root}/tmp/x", "todo", "~/work"]
)
def test_ordinary_words_are_let_through(line):
    assert faults("file", line) == []


def test_files_are_short():
    assert not too_long(ROOT), "\n".join(too_long(ROOT))


def test_a_long_operator_would_be_found(tmp_path):
    folder = tmp_path / "plugins" / "upkeep" / "operators"
    folder.mkdir(parents=True)
    (folder / "ok.py").write_text("x = 1\n" * 80)
    (folder / "long.py").write_text("x = 1\n" * 81)
    assert too_long(tmp_path) == ["plugins/upkeep/operators/long.py: 81 lines, 80 allowed"]


def test_modules_are_named_for_what_they_hold():
    assert not [str(file) for file in files() if file.name in VAGUE]


def test_every_dependency_is_explained_and_nothing_else_is():
    assert explained((ROOT / "docs" / "dependencies.md").read_text()) == declared()


def test_a_dependency_without_a_reason_is_not_explained():
    assert explained("| `numpy` | arrays of every kind |\n| `scipy` |  |\n") == {"numpy"}
