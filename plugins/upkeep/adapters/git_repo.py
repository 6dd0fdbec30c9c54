"""A git repository of our own, driven through the git program and shielded from every other one."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from upkeep.errors import BackendError

TIMEOUT_S = 300.0

#: Given with each call, so that no configuration of the machine or of a person is needed, read or changed.
_SETTINGS = {
    "user.name": "Upkeep",
    "user.email": "upkeep@localhost",
    "core.hooksPath": os.devnull,
    "core.fsync": "all",  # a tag that was reported survives a power cut
    "gc.auto": "0",  # no housekeeping left running in the background
}


class GitRepo:
    """Git at `root`. Reading needs nothing; whoever writes holds the folder's lock and works inside `writing()`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._held: tuple[int, ...] = ()

    @property
    def exists(self) -> bool:
        return (self._root / ".git" / "HEAD").exists()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the repository if need be, put tracked files back as last committed, and clear locks of killed processes.

        Clearing them is safe: the caller holds the folder's lock, so no other task writes; and a git program that
        outlived its killed task has inherited the lock taken here, so we wait until it has ended.
        """
        with (self._root / ".git-lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._held = (file.fileno(),)
            try:
                for stale in (self._root / ".git").rglob("*.lock"):
                    stale.unlink()
                self._call(["init", "--quiet", "--template=", "--initial-branch=main", str(self._root)])
                # Back to the last commit: of a half-done run, or because somebody has checked out a tag to look at it.
                self.run("symbolic-ref", "HEAD", "refs/heads/main")
                self.run("reset", "--quiet", "--hard")
                yield
            finally:
                self._held = ()

    def run(self, *arguments: str, text: str = "") -> str:
        """What a git command prints; `text` goes to its standard input."""
        # --git-dir is explicit: a repository around this one is never looked for.
        place = [f"--git-dir={self._root / '.git'}", f"--work-tree={self._root}"]
        return self._call([*place, *arguments], text)

    def remove_untracked(self) -> None:
        """Remove files that are neither committed nor ignored."""
        self.run("clean", "--quiet", "-d", "--force")

    def commit(self, paths: Sequence[str], message: str) -> None:
        """Commit these paths if anything in them has changed: git itself would make empty commits."""
        self.run("add", "--", *paths)
        if self.run("diff", "--cached", "--name-only"):
            self.run("commit", "--quiet", "--file=-", text=message)

    def tag(self, name: str, message: str) -> None:
        """Annotate the last commit; the message is kept letter by letter."""
        self.run("tag", "--annotate", "--cleanup=verbatim", "--file=-", name, text=message)

    def tags(self, pattern: str) -> list[tuple[str, str, str]]:
        """Name, commit and first line of the message of the annotated tags under a ref pattern."""
        if not self.exists:
            return []
        layout = "%(refname:strip=2)%09%(*objectname)%09%(contents:subject)"
        lines = self.run("for-each-ref", f"--format={layout}", f"refs/tags/{pattern}").splitlines()
        return [(name, commit, subject) for name, commit, subject in (line.split("\t", 2) for line in lines) if commit]

    def _call(self, arguments: list[str], text: str = "") -> str:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        try:
            done = subprocess.run(
                ["git", *settings, *arguments],
                input=text.encode(),
                capture_output=True,
                env=_environment(),
                timeout=TIMEOUT_S,
                pass_fds=self._held,
                check=True,
            )
        except FileNotFoundError as err:
            raise BackendError("git must be installed, but was not found on the PATH. Install it.") from err
        except subprocess.SubprocessError as err:
            said = getattr(err, "stderr", None) or b""
            command = next(part for part in arguments if not part.startswith("-"))
            raise BackendError(
                f"`git {command}` must succeed in {self._root}, but: {said.decode(errors='replace').strip() or err}. "
                "Mend the repository with git, and run the stage again."
            ) from err
        return done.stdout.decode()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    shield = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    return kept | shield
