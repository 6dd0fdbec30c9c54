"""Resolve requirements-cluster.in on top of requirements.lock; keep only what the lock lacks.

Usage: ``python docker/cluster_lock.py`` where `uv` is on the PATH. The image installs requirements.lock first and
the result second.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE.parent / "requirements.lock"


def packages(text: str) -> dict[str, list[str]]:
    """Lines of each package of a requirements file with hashes, by name; comments are dropped."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if match := re.match(r"([a-z0-9][a-z0-9._-]*)(\[.*?\])?==", line):
            name = match[1]
            found[name] = [line]
        elif line.startswith("    --hash="):
            found[name].append(line)
    return found


def main() -> None:
    locked = packages(LOCK.read_text())
    pins = "\n".join(lines[0].rstrip(" \\") for lines in locked.values())
    source, target = HERE / "requirements-cluster.in", HERE / "requirements-cluster.lock"
    command = ["uv", "pip", "compile", str(source), "--constraint", "-", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"]
    resolved = packages(subprocess.run(command, input=pins, capture_output=True, text=True, check=True).stdout)
    kept = [lines for name, lines in resolved.items() if lines[0] != locked.get(name, [""])[0]]
    target.write_text("# Made by docker/cluster_lock.py\n" + "".join("\n".join(lines) + "\n" for lines in kept))


if __name__ == "__main__":
    main()
