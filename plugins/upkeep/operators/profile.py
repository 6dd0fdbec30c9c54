"""Operators that profile a table by mapped tasks, one per partition, and add the profiles up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.core.life import Life
from upkeep.links import RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class ListPartitionsOperator(BaseOperator):
    """List the batches of the life's features; the first time, freeze the cells that all are counted into.

    :param life: the model's life.
    """

    def __init__(self, *, life: Life, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life

    def execute(self, context: Context) -> list[str]:
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(self.life).partitions()


class ProfilePartitionOperator(BaseOperator):
    """Count one batch; to be mapped: ``ProfilePartitionOperator.partial(...).expand(batch=listed.output)``.

    :param life: the model's life.
    :param batch: id of the batch. (templated)
    """

    template_fields: Sequence[str] = ("batch",)

    def __init__(self, *, life: Life, batch: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.batch = batch

    def execute(self, context: Context) -> str:
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(self.life).profile_partition(self.batch)


class MergeProfilesOperator(BaseOperator):
    """Add up the profiles of partitions: the bits that one pass over the whole table gives.

    :param life: the model's life.
    :param partitions: names of profiles, as the mapped tasks return them. (templated)
    """

    template_fields: Sequence[str] = ("partitions",)
    operator_extra_links = (RecordLink(),)

    def __init__(self, *, life: Life, partitions: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.partitions = partitions

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        merged = Lifecycle(self.life).merge_partitions(list(self.partitions))
        context["ti"].xcom_push("record", merged["record"])
        self.log.info("%d rows of %d partitions: %s", merged["rows"], merged["partitions"], merged["profile"])
        return merged
