"""The operator that takes late labels in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.core.life import Life

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoadFeedbackOperator(BaseOperator):
    """Take every new file of labels into the feedback log, once; `refused` names those that cannot be used.

    :param life: the model's life.
    :param source: file, folder or URL instead of the life's own feedback source. (templated)
    """

    template_fields: Sequence[str] = ("source",)

    def __init__(self, *, life: Life, source: str | None = None, **kwargs: Any) -> None:
        super().__init__(multiple_outputs=True, **kwargs)
        self.life = life
        self.source = source

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(self.life).labels(self.source or None)
