"""New batches into the dataset: each once, whole, under canonical names and with row ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np

from upkeep.core.columns import Columns, missing, row_count
from upkeep.core.identity import row_ids
from upkeep.core.schema import TableSchema, blank, difference
from upkeep.errors import InputError
from upkeep.ports import Batch, BatchSource, Datasets, SourceBatch


def ingest(source: BatchSource, datasets: Datasets, *, uri: str, dataset: str, schema: TableSchema) -> list[Batch]:
    """Take every file of a source into ``<dataset>/raw``, in the order of their names.

    The batch id is the beginning of the content's SHA-256: a file that was taken in before, under whatever
    name, is left as it is.

    Raises
    ------
    InputError
        If a file cannot be read, has no rows, or differs from the schema in a way that is not declared.
        Nothing of that file is kept; files before it are.
    """
    return [_take_in(source.open(file), datasets, f"{dataset}/raw", schema) for file in source.list(uri)]


def _take_in(file: SourceBatch, datasets: Datasets, table: str, schema: TableSchema) -> Batch:
    batch = file.digest[:16]
    known = datasets.find(table, batch)
    if known:
        return known
    names = schema.names(file.kinds)
    kinds = _kinds(file, names, schema)
    _refuse_gaps_in_time(file, names, schema)
    rows = _rows(file, names, kinds, schema)
    first = next(rows, None)
    if first is None:
        raise InputError(f"a batch must have rows; {file.uri} has a header and nothing below it. Deliver it again.")
    meta = {"uri": file.uri, "digest": file.digest}
    return datasets.write(table, batch, chain([first], rows), time=schema.time, meta=meta)


def _kinds(file: SourceBatch, names: Mapping[str, str], schema: TableSchema) -> dict[str, str]:
    """Kind to read each source column as; an undeclared change is refused by name."""
    came = {name: file.kinds[source] for source, name in names.items()}
    change = difference(schema, came)
    refused = change.undeclared(schema)
    if refused:
        misfit = _first_misfit(file, names, {name: declared for name, declared, _ in refused.retyped})
        raise InputError(
            f"a batch must have the columns of the schema; in {file.uri} {refused.sentence}.{misfit} "
            "Correct the batch, or declare the change under schema.declared."
        )
    as_it_came = {*change.added, *(name for name, _, _ in change.retyped)}
    return {
        source: ("text" if came[name] == "null" else came[name]) if name in as_it_came else schema.columns[name]
        for source, name in names.items()
    }


def _first_misfit(file: SourceBatch, names: Mapping[str, str], declared: Mapping[str, str]) -> str:
    """What the reader says of the first value that is not of the declared kind."""
    kinds = {source: declared[name] for source, name in names.items() if name in declared}
    try:
        for _ in file.chunks(kinds):
            pass
    except InputError as err:
        return f" {err}"
    return ""


def _refuse_gaps_in_time(file: SourceBatch, names: Mapping[str, str], schema: TableSchema) -> None:
    """Looked for before anything is written: time decides where a row is stored."""
    source = next(spelled for spelled, name in names.items() if name == schema.time)
    start, gaps = 0, []
    for chunk in file.chunks({source: "datetime"}):
        gaps += (np.flatnonzero(missing(chunk[source])) + start).tolist()
        start += row_count(chunk)
    if gaps:
        raise InputError(
            f"column {source!r} must have a time in every row; {file.uri} has none in {len(gaps)} of {start} rows, "
            f"first in row {gaps[0]} (from 0). Repair the file; nothing of it was taken in."
        )


def _rows(
    file: SourceBatch, names: Mapping[str, str], kinds: Mapping[str, str], schema: TableSchema
) -> Iterator[Columns]:
    """Chunks under canonical names in the schema's order, absent columns without values, `row_id` first."""
    absent = [name for name in schema.columns if name not in names.values()]
    extra = [name for name in names.values() if name not in schema.columns]
    for chunk in file.chunks(kinds):
        rows = row_count(chunk)
        if not rows:
            continue
        columns = {names[source]: values for source, values in chunk.items()}
        columns |= {name: blank(schema.columns[name], rows) for name in absent}
        ordered = {name: columns[name] for name in [*schema.columns, *extra]}
        yield {"row_id": row_ids(columns, schema.key)} | ordered
