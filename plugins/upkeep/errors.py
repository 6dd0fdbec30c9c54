"""Every error this package raises on purpose.

UpkeepError
├── InputError (also a ValueError)   the caller passed something unusable
├── GateClosed                       the stage ran; its answer is "no": bad data, or a model that is not better
└── BackendError                     Great Expectations, DVC, MLflow or a file system failed; `__cause__` is theirs

A message says, in this order: what must hold, what came, where, and what to do.
`InputError` and `GateClosed` are answers, so tasks are never retried on them; `BackendError` is retried.
Classes stay empty so that they pickle; the message is written where the facts are.
"""


class UpkeepError(Exception):
    """Base class: catch this to catch all of them."""


class InputError(UpkeepError, ValueError):
    """The caller passed a value or a file the computation cannot use."""


class GateClosed(UpkeepError):
    """The data or the model do not meet the agreed bar."""


class BackendError(UpkeepError):
    """A tool this package drives failed."""
