"""Addresses of servers, as they may be shown."""

from __future__ import annotations

import re

# Up to the last @ before the path, since a password may hold one.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s'\"<>]*@")


def without_credentials(url: str) -> str:
    """An address, or a text with addresses in it, without the ``user:password@`` of any.

    Examples
    --------
    >>> without_credentials("https://ann:s3cret@mlflow.example:5000/path")
    'https://mlflow.example:5000/path'
    >>> without_credentials("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    """
    return _CREDENTIALS.sub("", url)
