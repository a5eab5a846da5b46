"""The policy of the queue: how waiting jobs rise, what experiments and operators may have, and what they had lately."""

from pydantic import Field

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ExperimentId, Timestamp


class SetPolicy(Body):
    """Who goes first; what is left out keeps its value."""

    ageing_seconds: float | None = Field(
        default=None, ge=1, le=30 * 86_400, description="a waiting job rises by one priority in so long"
    )
    may_preempt: bool | None = Field(
        default=None, description="whether a job may take others that allow it off their slots"
    )
    half_life_seconds: float | None = Field(
        default=None, ge=3600, le=365 * 86_400, description="what an experiment used counts half after so long"
    )


class QueuePolicy(Record):
    """The policy as it is."""

    ageing_seconds: float
    starvation_seconds: float = Field(description="no job submitted so much later goes before one that fits its slots")
    may_preempt: bool
    half_life_seconds: float
    updated_at: Timestamp | None = None
    updated_by: str | None = None


class SetExperimentShare(Body):
    """What an experiment may have, all of it: a quota that is left out is no limit."""

    weight: float = Field(default=1, gt=0, le=1000, description="its part of the queue beside other experiments")
    gpus: float | None = Field(default=None, ge=0, description="at a time; a share of a GPU counts as its part")
    cpus: int | None = Field(default=None, ge=0)
    jobs: int | None = Field(default=None, ge=0)


class SetOperatorShare(Body):
    """What an operator's jobs may have together, all of it: a quota that is left out is no limit."""

    gpus: float | None = Field(default=None, ge=0, description="at a time; a share of a GPU counts as its part")
    cpus: int | None = Field(default=None, ge=0)
    jobs: int | None = Field(default=None, ge=0)


class ExperimentShare(Record):
    """What an experiment may have, and had lately."""

    experiment_id: ExperimentId
    weight: float = 1
    gpus: float | None = None
    cpus: int | None = None
    jobs: int | None = None
    used_seconds: float = Field(
        default=0, description="GPU seconds, CPU seconds where it used no GPU; older ones count less"
    )


class OperatorShare(Record):
    """What an operator's jobs may have together."""

    operator_id: str
    gpus: float | None = None
    cpus: int | None = None
    jobs: int | None = None


class Shares(Record):
    """Experiments and operators that have a share of their own, and experiments that used something lately."""

    experiments: tuple[ExperimentShare, ...] = ()
    operators: tuple[OperatorShare, ...] = ()
