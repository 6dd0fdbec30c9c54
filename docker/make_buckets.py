"""Make the S3 buckets that are missing; address and keys are boto3's own environment variables.

Usage: ``python make_buckets.py NAME...``; it may run again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def make_buckets(client: Any, names: Sequence[str]) -> list[str]:
    """The buckets that had to be made."""
    known = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    missing = [name for name in names if name not in known]
    for name in missing:
        client.create_bucket(Bucket=name)
    return missing


def main(names: Sequence[str]) -> int:
    if not names:
        print(__doc__, file=sys.stderr)
        return 2
    import boto3

    print(f"buckets made: {', '.join(make_buckets(boto3.client('s3'), names)) or 'none, all were there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
