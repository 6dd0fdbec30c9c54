"""What file systems raise when they fail, beyond `OSError`."""

from __future__ import annotations

import sys


def file_system_errors() -> tuple[type[BaseException], ...]:
    """`OSError`, and the errors of S3's client, which s3fs lets through when no server answers.

    To be called in the ``except`` clause: the client is loaded by then, if it was used.
    """
    client = sys.modules.get("botocore.exceptions")
    return (OSError, client.BotoCoreError) if client else (OSError,)
