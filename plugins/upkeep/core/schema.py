"""The table a source promises, and how a batch differs from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

KINDS = ("integer", "number", "text", "datetime", "boolean")
CHANGES = ("added", "removed", "retyped")
#: Kinds that are taken for the declared one, since every value has a place in it.
WIDENS = {"number": {"integer"}, "text": set(KINDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """Columns by canonical name; what a batch may spell differently, lack or add is declared here.

    Attributes
    ----------
    time : str
        The datetime column that orders and partitions the rows.
    key : tuple of str
        Columns that identify a row, in a fixed order: `row_id` is made of them.
    columns : mapping of str to str
        Name to kind: integer, number, text, datetime or boolean.
    optional : tuple of str
        Columns that a batch may lack.
    aliases : mapping of str to str
        A source's spelling to the canonical name.
    declared : mapping of str to str
        Column to the change (added, removed or retyped) that someone has looked at and accepted.
    """

    time: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    optional: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kinds = {name: kind for name, kind in self.columns.items() if kind not in KINDS}
        if kinds or not self.columns:
            wanted = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
            raise InputError(f"schema.columns must map names to {wanted}, got {kinds or 'no column'}.")
        if self.columns.get(self.time) != "datetime":
            raise InputError(f"schema.time must name a datetime column of schema.columns, got {self.time!r}.")
        _among("key", self.key or [""], self.columns)
        fixed = {self.time, *self.key}
        _among("optional", self.optional, self.columns.keys() - fixed)
        _among("aliases", self.aliases.values(), self.columns)
        _among("declared", [n for n, c in self.declared.items() if c != "added"], self.columns.keys() - fixed)
        twice = sorted({*self.aliases, *(n for n, c in self.declared.items() if c == "added")} & set(self.columns))
        if twice:
            raise InputError(f"an alias or an added column must not be a column of the schema already, got {twice}.")

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> TableSchema:
        """Build it from parsed JSON or YAML; `declared` is a list of ``{"change": "added", "column": "x"}``.

        Raises
        ------
        InputError
            Naming the part of the schema that is missing or contradicts another.

        Examples
        --------
        >>> TableSchema.from_json({"time": "t", "key": ["t"], "columns": {"t": "datetime"}}).columns
        {'t': 'datetime'}
        >>> TableSchema.from_json({"time": "t", "key": ["t"], "columns": {"t": "date"}})
        Traceback (most recent call last):
        upkeep.errors.InputError: schema.columns must map names to integer, number, text, datetime or boolean, got {'t': 'date'}.
        """
        required, optional = {"time", "key", "columns"}, {"optional", "aliases", "declared"}
        missing, unknown = sorted(required - set(record)), sorted(set(record) - required - optional)
        if missing or unknown:
            raise InputError(
                f"a schema must have time, key and columns, and may have {', '.join(sorted(optional))}; "
                f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}."
            )
        return cls(
            time=record["time"],
            key=tuple(record["key"]),
            columns=dict(record["columns"]),
            optional=tuple(record.get("optional") or ()),
            aliases=dict(record.get("aliases") or {}),
            declared=dict(_declared(change) for change in record.get("declared") or ()),
        )

    def names(self, spelled: Collection[str]) -> dict[str, str]:
        """Source spelling to canonical name; refuses two spellings of one column.

        Examples
        --------
        >>> TableSchema(time="t", key=("t",), columns={"t": "datetime"}, aliases={"T": "t"}).names(["T", "colour"])
        {'T': 't', 'colour': 'colour'}
        """
        names: dict[str, str] = {}
        for source in spelled:
            name = self.aliases.get(source, source)
            if name in names.values():
                other = next(spelling for spelling, known in names.items() if known == name)
                raise InputError(f"a batch must have column {name!r} once, got it as {other!r} and as {source!r}.")
            names[source] = name
        return names


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDifference:
    """What a batch has otherwise than its schema; `retyped` holds (column, declared kind, kind that came)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)

    @property
    def sentence(self) -> str:
        """Every difference by name.

        Examples
        --------
        >>> SchemaDifference(added=("tip",)).sentence
        "column 'tip' was added"
        """
        parts = [f"column {name!r} was added" for name in self.added]
        parts += [f"column {name!r} was removed" for name in self.removed]
        parts += [f"column {name!r} is {came} where {declared} is declared" for name, declared, came in self.retyped]
        return "; ".join(parts)

    def undeclared(self, schema: TableSchema) -> SchemaDifference:
        """The part of it that nobody has declared."""
        known = schema.declared
        return SchemaDifference(
            added=tuple(name for name in self.added if known.get(name) != "added"),
            removed=tuple(name for name in self.removed if known.get(name) != "removed"),
            retyped=tuple(change for change in self.retyped if known.get(change[0]) != "retyped"),
        )


def difference(schema: TableSchema, kinds: Mapping[str, str]) -> SchemaDifference:
    """How a batch's columns (canonical name to kind) differ from the schema.

    Integers for numbers, anything for text, and a column without any value (kind ``null``) are no difference:
    every value that came has a place in the declared kind.

    Examples
    --------
    >>> schema = TableSchema(time="t", key=("t",), columns={"t": "datetime", "fare": "number", "zone": "integer"})
    >>> bool(difference(schema, {"t": "datetime", "fare": "integer", "zone": "null"}))
    False
    >>> difference(schema, {"t": "datetime", "fare": "text"}).sentence
    "column 'zone' was removed; column 'fare' is text where number is declared"
    """
    return SchemaDifference(
        added=tuple(name for name in kinds if name not in schema.columns),
        removed=tuple(name for name in schema.columns if name not in kinds and name not in schema.optional),
        retyped=tuple(
            (name, declared, kinds[name])
            for name, declared in schema.columns.items()
            if kinds.get(name, declared) not in {declared, "null"} | WIDENS.get(declared, set())
        ),
    )


def blank(kind: str, rows: int) -> NDArray[Any]:
    """A column of a kind without any value: NaN, NaT or None.

    Examples
    --------
    >>> blank("integer", 2)
    array([nan, nan])
    """
    if kind == "datetime":
        return np.full(rows, np.datetime64("NaT", "us"))
    return np.full(rows, None, dtype=object) if kind == "text" else np.full(rows, np.nan)


def _declared(change: Mapping[str, Any]) -> tuple[str, str]:
    if set(change) != {"change", "column"} or change["change"] not in CHANGES:
        raise InputError(
            f"a declared change must be {{'change': one of {', '.join(CHANGES)}, 'column': name}}, got {dict(change)}."
        )
    return str(change["column"]), str(change["change"])


def _among(part: str, names: Collection[str], allowed: Collection[str]) -> None:
    unknown = sorted(set(names) - set(allowed))
    if unknown:
        rest = "" if part in ("key", "aliases") else " other than time and key"
        raise InputError(f"schema.{part} must name columns of schema.columns{rest}, got {unknown}.")
