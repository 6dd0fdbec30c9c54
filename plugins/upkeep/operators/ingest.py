"""Operators that bring data in: batches, labels, features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from upkeep.core.life import Life
from upkeep.errors import InputError
from upkeep.links import RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class IngestOperator(BaseOperator):
    """Take every new file of a source into the dataset, once and whole. Skipped when there is nothing to do.

    :param life: the model's life.
    :param source: file, folder or URL instead of the life's own source. (templated)
    """

    template_fields: Sequence[str] = ("source",)
    operator_extra_links = (RecordLink(),)

    def __init__(self, *, life: Life, source: str | None = None, **kwargs: Any) -> None:
        super().__init__(multiple_outputs=True, **kwargs)
        self.life = life
        self.source = source

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        result = Lifecycle(self.life).ingest(self.source or None)
        context["ti"].xcom_push("record", result["record"])
        self.log.info("%d files with %d rows; to do: %s", result["files"], result["rows"], result["batches"])
        if not result["batches"]:
            refuse(result["refused"])
            raise AirflowSkipException("every batch of the source has been through all stages")
        return result


class ReportRefusedOperator(BaseOperator):
    """Fail if files or batches were refused: the others have gone on, and nobody overlooks these.

    To be the last task of a DAG, with trigger rule `all_done`.

    :param refused: dicts of reason by file or batch, as the operators before return them. (templated)
    """

    template_fields: Sequence[str] = ("refused",)

    def __init__(self, *, refused: list[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refused = refused

    def execute(self, context: Context) -> None:
        refuse({name: reason for part in self.refused for name, reason in (part or {}).items()})


def refuse(refused: dict[str, str]) -> None:
    """Raise with every reason, if there is one."""
    if refused:
        raise InputError(f"{len(refused)} files or batches were refused. " + " ".join(refused.values()))
