"""Stages that do what ours must not: if these survived, the harness would see nothing."""

from __future__ import annotations

import os

from tests.kills.stages import Row

from upkeep.adapters.backends import Backends


def _write_in_place(known: Backends) -> None:
    """Takes a half-written file for a whole one."""
    path = known.workspace.data / "log.txt"
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        file.write("half")
        file.flush()
        (path.parent / "progress").mkdir()
        file.write(" and half")


def _append_then_mark(known: Backends) -> None:
    """Appends before it notes that it has: a kill in between doubles the line."""
    done = known.workspace.data / "done"
    if done.exists():
        return
    done.parent.mkdir(exist_ok=True)
    with (known.workspace.data / "log.txt").open("a") as file:
        file.write("line\n")
    done.write_text("yes")


def _commit_twice(known: Backends) -> None:
    """Two statements that belong together, in two transactions; the first is not repeatable."""
    from sqlalchemy import create_engine, text

    address = f"sqlite:///{known.workspace.root / 'own.db'}"
    for statement in ("UPDATE n SET i = i + 1", "UPDATE n SET done = 1"):
        with create_engine(address).begin() as connection:
            if not connection.execute(text("SELECT done FROM n")).scalar():
                connection.execute(text(statement))
    with create_engine(address).connect() as connection:
        count = connection.execute(text("SELECT i FROM n")).scalar()
    temporary = known.workspace.root / ".data.txt"
    temporary.write_text(str(count))
    (known.workspace.root / "data").mkdir(exist_ok=True)
    os.replace(temporary, known.workspace.root / "data" / "count.txt")


def _empty_table(known: Backends) -> None:
    from sqlalchemy import create_engine, text

    with create_engine(f"sqlite:///{known.workspace.root / 'own.db'}").begin() as connection:
        connection.execute(text("CREATE TABLE n (i INTEGER, done INTEGER)"))
        connection.execute(text("INSERT INTO n VALUES (0, 0)"))


CONTROLS = {
    "written in place": Row(prepare=lambda known: None, run=_write_in_place, kills=6),
    "appended, then marked": Row(prepare=lambda known: None, run=_append_then_mark, kills=6),
    "committed twice": Row(prepare=_empty_table, run=_commit_twice, kills=8),
}
