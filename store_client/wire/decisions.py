"""What waits for each decision of the orchestrator, for whoever takes it by hand."""

from pydantic import Field

from store_client.wire.ideas import Idea
from store_client.wire.record import Record
from store_client.wire.variants import Variant


class ToEvaluate(Record):
    """A variant that waits for an evaluation task."""

    variant: Variant
    attempts: int = Field(description="how many evaluations of it ended without a verdict")


class ToIntegrate(Record):
    """A success that waits for its canonical commit."""

    variant: Variant
    slug: str = Field(description="of its idea")


class Backlog(Record):
    """The first of what waits, in the order in which the orchestrator would take it, and what its policies say."""

    end_reason: str | None = Field(default=None, description="why the termination policy would end it now")
    policy_fault: str | None = Field(default=None, description="why the termination policy cannot be computed")
    ideations_missing: int = Field(default=0, description="ideation tasks that the ideation policy would add")
    ideations: int = Field(default=0, description="ideation tasks there have ever been")
    room: int = Field(default=0, description="executions that may start now")
    ideas: tuple[Idea, ...] = ()
    to_evaluate: tuple[ToEvaluate, ...] = ()
    to_integrate: tuple[ToIntegrate, ...] = ()
