"""Conditions and promises from the ``.easeml.yml`` files of ease.ml/ci, read as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from upkeep.core.gate.condition import parse
from upkeep.core.gate.promise import Adaptivity, Mode, Promise
from upkeep.errors import InputError

_LARGEST = 64 * 1024  # bytes; the format has six lines
_REQUIRED = ("condition", "reliability", "mode", "adaptivity", "steps")
_ADAPTIVITY = re.compile(r"(?P<kind>full|none|firstChange)(\s*->\s*(?P<mail>[^\s@]+@[^\s@]+))?")
_SCALARS = {"str", "int", "float", "bool", "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EasemlFile:
    """What the section ``ml`` of a file says [1]_.

    Attributes
    ----------
    condition : str
    reliability, steps, mode, adaptivity
        As of `core.gate.promise.Promise`.
    script : str
        The test script of ease.ml/ci, which is not run here; empty if there is none.
    mail : str
        Whom ``none -> mail`` tells the answers to, in place of the builders; empty if nobody. No mail is sent from here.

    References
    ----------
    .. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys, section 2.
    """

    condition: str
    reliability: float
    steps: int
    mode: Mode
    adaptivity: Adaptivity
    script: str = ""
    mail: str = ""

    @property
    def settings(self) -> dict[str, str | float | int]:
        """The keys of a gate's policy."""
        return {
            "condition": self.condition,
            "reliability": self.reliability,
            "steps": self.steps,
            "mode": self.mode,
            "adaptivity": self.adaptivity,
        }


def read_easeml(path: Path) -> EasemlFile:
    """Read a file whose section ``ml`` is a list of one-key maps; other sections are for other tools and are left alone.

    No tag is ever constructed: only plain words and numbers are looked at.

    Raises
    ------
    InputError
        Naming the file, the line and the key.
    """
    values = {key: (value, line) for key, value, line in _pairs(path)}
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        _refuse(path, 0, f"section ml must hold {', '.join(_REQUIRED)}, but lacks {', '.join(missing)}. Add it.")
    adaptivity, mail = _adaptivity(path, *values["adaptivity"])
    made = EasemlFile(
        condition=str(values["condition"][0]),
        reliability=_number(path, "reliability", float, values),
        steps=_number(path, "steps", int, values),
        mode=_mode(path, *values["mode"]),
        adaptivity=adaptivity,
        script=str(values["script"][0]) if "script" in values else "",
        mail=mail,
    )
    try:
        parse(made.condition)
    except InputError as err:
        _refuse(path, values["condition"][1], str(err), err)
    try:
        Promise(reliability=made.reliability, steps=made.steps, adaptivity=made.adaptivity, mode=made.mode)
    except InputError as err:
        _refuse(path, values["reliability"][1], str(err), err)
    return made


def _pairs(path: Path) -> Iterator[tuple[str, object, int]]:
    """Key, value and line of each entry of section ml."""
    seen: set[str] = set()
    for item in _section(path).value:
        line = item.start_mark.line + 1
        if not isinstance(item, yaml.MappingNode) or len(item.value) != 1:
            _refuse(path, line, "each entry of ml must be one key and its value, as in '- steps: 32'. Split it.")
        key_node, value_node = item.value[0]
        key, value = _plain(path, key_node), _plain(path, value_node)
        if key not in (*_REQUIRED, "script"):
            known = ", ".join(("script", *_REQUIRED))
            _refuse(path, line, f"ml may hold {known}, got {key!r}. Correct or remove it.")
        if key in seen:
            _refuse(path, line, f"{key} must stand once, but stands again. Remove one.")
        seen.add(str(key))
        yield str(key), value, line


def _section(path: Path) -> yaml.SequenceNode:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        root = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError as err:
        raise InputError(f"{path} must be an .easeml.yml file, but does not exist. Name another.") from err
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path} must be a readable file in UTF-8, but: {err}. Name another.") from err
    except (yaml.YAMLError, RecursionError) as err:
        reason = " ".join(str(err).split())
        raise InputError(f"{path} must be YAML, but: {reason}. Correct the line it names.") from err
    if len(content) > _LARGEST:
        _refuse(path, 0, f"an .easeml.yml file must be smaller than {_LARGEST} bytes. Name another.")
    sections = root.value if isinstance(root, yaml.MappingNode) else []
    found = [value for key, value in sections if isinstance(key, yaml.ScalarNode) and key.value == "ml"]
    if len(found) != 1 or not isinstance(found[0], yaml.SequenceNode):
        _refuse(path, 0, "there must be one section ml, a list such as '- steps: 32'. See the paper's example.")
    section: yaml.SequenceNode = found[0]
    return section


def _plain(path: Path, node: yaml.Node) -> object:
    """A word or a number; anything else, any tag of a language among it, is refused before it is made."""
    line = node.start_mark.line + 1
    kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
    if not isinstance(node, yaml.ScalarNode) or kind not in _SCALARS:
        _refuse(path, line, f"values must be plain words and numbers, got {node.tag}. Write the value itself.")
    try:
        value: object = yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as err:
        _refuse(path, line, f"{node.value!r} is no {kind}. Write a plain word or number.", err)
    return value


def _number(path: Path, key: str, kind: type[Any], values: Mapping[str, tuple[object, int]]) -> Any:
    value, line = values[key]
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        what = "a whole number" if kind is int else "a number"
        _refuse(path, line, f"{key} must be {what}, got {value!r}. Correct it.")
    return kind(value)


def _mode(path: Path, value: object, line: int) -> Mode:
    if value == "fp-free":
        return "fp-free"
    if value == "fn-free":
        return "fn-free"
    _refuse(path, line, f"mode must be fp-free or fn-free, got {value!r}. Correct it.")


def _adaptivity(path: Path, value: object, line: int) -> tuple[Adaptivity, str]:
    found = _ADAPTIVITY.fullmatch(value.strip() if isinstance(value, str) else "")
    if found is None or (found["mail"] and found["kind"] != "none"):
        _refuse(
            path,
            line,
            f"adaptivity must be full, firstChange, none or none -> mail@address, got {value!r}. Correct it.",
        )
    kinds: dict[str, Adaptivity] = {"full": "full", "none": "none", "firstChange": "firstChange"}
    return kinds[found["kind"]], found["mail"] or ""


def _refuse(path: Path, line: int, reason: str, cause: Exception | None = None) -> NoReturn:
    raise InputError(f"{path.name}{f', line {line}' if line else ''}: {reason}") from cause
