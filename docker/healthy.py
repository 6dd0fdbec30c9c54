"""Exit with 0 if Airflow's health page calls a component healthy, else say what it is and exit with 1.

Usage: ``python healthy.py metadatabase|scheduler|triggerer|dag_processor [--server URL]``.
"""

from __future__ import annotations

import argparse
import json
import sys
from urllib.request import urlopen

COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def status(component: str, server: str) -> str:
    """What the health page says about a component, or why it says nothing."""
    try:
        with urlopen(f"{server}/api/v2/monitor/health", timeout=8) as answer:
            page = json.load(answer)
    except (OSError, ValueError) as err:
        return f"unknown: {server} did not answer ({err})"
    return str((page.get(component) or {}).get("status"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("component", choices=COMPONENTS)
    parser.add_argument("--server", default="http://localhost:8080")
    chosen = parser.parse_args(arguments)
    found = status(chosen.component, chosen.server)
    print(f"{chosen.component}: {found}")
    return 0 if found == "healthy" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
