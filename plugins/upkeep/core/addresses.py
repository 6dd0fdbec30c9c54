"""Addresses of servers, as they may be shown."""

from __future__ import annotations

import re

# Up to the last @ before the path, since a password may hold one.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s'\"<>]*@")

_SECRET = re.compile(
    r"(?i)([?&][^=&\s]*(?:sig|token|secret|password|credential|apikey|accesskey)[^=&\s]*=)[^&\s'\"<>]+"
)


def without_credentials(url: str) -> str:
    """An address, or a text with addresses in it, without the ``user:password@`` and signatures of any.

    Examples
    --------
    >>> without_credentials("https://ann:s3cret@mlflow.example:5000/path")
    'https://mlflow.example:5000/path'
    >>> without_credentials("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    >>> without_credentials("cannot read https://store.example/a.csv?sig=s3cret now")
    'cannot read https://store.example/a.csv?sig=*** now'
    """
    return _SECRET.sub(r"\1***", _CREDENTIALS.sub("", url))
