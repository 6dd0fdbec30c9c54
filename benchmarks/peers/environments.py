"""One virtual environment per peer, with pinned versions, and one process per measurement."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]

#: What each peer is measured with. The versions beside it are the newest that it runs on.
REQUIREMENTS = {
    "scipy": ("scipy==1.17.1", "numpy==2.4.6"),
    "evidently": ("evidently==0.7.23", "pandas==2.3.3"),
    "nannyml": (
        "nannyml==0.13.1",
        "pandas==2.3.3",
        "numpy==1.26.4",
        "scikit-learn==1.6.1",
        "scipy==1.13.1",
        "statsmodels==0.14.4",
    ),
    "alibi_detect": ("alibi-detect==0.13.0", "pandas==2.3.3", "numpy==1.26.4"),
    "whylogs": ("whylogs[viz]==1.6.4", "pandas==2.3.3"),
    "datasketches": ("datasketches==5.2.0", "numpy==2.4.6"),
    "mlxtend": ("mlxtend==0.25.0", "pandas==2.3.3", "numpy==2.4.6"),
}

#: No peer reports home, looks for updates or draws while it is timed.
_QUIET = {
    "NML_DISABLE_USAGE_LOGGING": "1",
    "DO_NOT_TRACK": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
    "HF_HUB_OFFLINE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "MPLBACKEND": "agg",
    "PYTHONWARNINGS": "ignore",
}


def interpreter(peer: str, folder: Path) -> Path:
    """The peer's Python; the first call makes its environment in `folder`, which git then ignores."""
    home = folder / peer
    python, done = home / "bin" / "python", home / "requirements.json"
    wanted = json.dumps(REQUIREMENTS[peer])
    if done.exists() and done.read_text() == wanted:
        return python
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    print(f"making the environment of {peer} in {home} …", flush=True)
    uv = shutil.which("uv")
    venv.create(home, clear=True, with_pip=uv is None, symlinks=True)
    install = [uv, "pip", "install", "-q", "-p", str(python)] if uv else [str(python), "-m", "pip", "install", "-q"]
    subprocess.run([*install, *REQUIREMENTS[peer]], check=True)
    done.write_text(wanted)
    return python


def ask(python: Path | str, peer: str, arguments: list[str], *, limit_s: float) -> dict[str, Any]:
    """What the worker `peers/<peer>.py` prints last, as JSON; "error" if it dies or takes more than `limit_s` of wall time."""
    command = [str(python), "-m", f"peers.{peer}", *arguments]
    environment = os.environ | _QUIET
    try:
        done = subprocess.run(
            command, cwd=BENCHMARKS, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {limit_s:.0f} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:200]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


if __name__ == "__main__":
    for each in REQUIREMENTS:
        print(each, interpreter(each, Path(sys.argv[1])))
