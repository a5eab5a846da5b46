"""How an experiment went: its course in a bounded number of points, and the variants that were its best in turn."""

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import Number, Timestamp


class CoursePoint(Record):
    """One variant on a course; without a value it failed or could not be scored, and `status` says which."""

    number: int = Field(description="1 for the first variant of the experiment, and so on")
    variant_id: str
    label: str
    value: Number | None = None
    status: str


class Improvement(Record):
    """A variant that was better than everything scored before it."""

    number: int
    variant_id: str
    label: str
    value: Number
    before: Number | None = Field(default=None, description="the best until then; absent for the first")
    at: Timestamp


class Course(Record):
    """Values by variant: every one of few variants; of many the lowest, highest and one failure of each stretch."""

    metric: str | None = Field(default=None, description="absent for the objective")
    width: int = Field(default=1, description="how many variants in a row one stretch has")
    last: int = Field(default=0, description="the number of the last variant that has ended")
    baseline: Number | None = None
    points: tuple[CoursePoint, ...] = ()
    metrics: tuple[str, ...] = Field(default=(), description="those that were numbers so far")
    improvements: tuple[Improvement, ...] = Field(default=(), description="the newest ones, newest first")


class SampledVariant(Record):
    """One variant with everything it measured as a number."""

    number: int
    variant_id: str
    label: str
    value: Number | None = None
    metrics: dict[str, Number] = Field(default_factory=dict)


class Sample(Record):
    """Some of the variants that have a score, among them the lowest and the highest of each metric."""

    variants: tuple[SampledVariant, ...] = ()
    metrics: tuple[str, ...] = ()
    total: int = Field(default=0, description="how many variants succeeded")
