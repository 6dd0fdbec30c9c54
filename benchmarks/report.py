"""Tables on the terminal that are Markdown as well, and where they were measured."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Report:
    """Prints as it is filled; `finish` writes the same as Markdown and prints the last line, JSON."""

    def __init__(self, title: str) -> None:
        self._lines: list[str] = []
        self._say(f"# {title}")

    def paragraph(self, text: str) -> None:
        self._say(f"\n{text}")

    def table(self, title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as their longest cell, numbers as the caller wrote them."""
        cells = [[str(cell) for cell in row] for row in (header, *rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
        self._say(f"\n## {title}\n")
        for number, row in enumerate(cells):
            self._say("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
            if not number:
                self._say("|" + "|".join("-" * (width + 2) for width in widths) + "|")

    def finish(self, figures: dict[str, Any], markdown: Path | None) -> None:
        if markdown:
            markdown.write_text("\n".join(self._lines) + "\n")
        print()
        print(json.dumps(figures | machine()), flush=True)

    def _say(self, line: str) -> None:
        self._lines += line.split("\n")
        print(line, flush=True)


def machine() -> dict[str, Any]:
    """Processor, cores, Python and numpy."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return {
        "cpu": names[0].split(":")[1].strip() if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
