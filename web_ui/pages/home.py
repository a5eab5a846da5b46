"""The deployment home: what needs me, how the experiments do, what the queue does."""

from dataclasses import dataclass
from typing import ClassVar

from web_ui.charts import Sparkline
from web_ui.filters import Direction, Moment
from web_ui.templating import Frame


@dataclass(frozen=True)
class Need:
    """One thing that waits for a person: what, where, since when, and the act that answers it."""

    key: str
    text: str
    experiment: str
    href: str
    act: str
    since: Moment | None = None
    status: str = "waiting"


@dataclass(frozen=True)
class Counts:
    """How far an experiment is."""

    ideas: int
    variants: int
    evaluated: int
    integrated: int
    failed: int = 0


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment in the table; `objective` is a phrase ("maximise accuracy")."""

    slug: str
    name: str
    href: str
    status: str
    objective: str
    direction: Direction
    best: float | None
    best_name: str
    delta: float | None
    spark: Sparkline | None
    counts: Counts
    running: int
    waiting: int
    needs_you: int
    updated_at: Moment | None


@dataclass(frozen=True)
class JobLine:
    """A job in a short list: `note` says why it waits or what it does, `progress` is 0 to 1 where it is known."""

    job_id: str
    name: str
    href: str
    where: str
    status: str
    status_text: str
    note: str
    progress: float | None = None


@dataclass(frozen=True)
class QueueSummary:
    """The queue in three figures and its first jobs; `typical_wait` is a phrase ("3 to 7 minutes")."""

    running: int
    waiting: int
    typical_wait: str
    jobs: tuple[JobLine, ...]


@dataclass(frozen=True)
class Home:
    """The page at /."""

    template: ClassVar[str] = "home/index.html"

    frame: Frame
    sentence: str
    needs: tuple[Need, ...]
    experiments: tuple[ExperimentRow, ...]
    queue: QueueSummary
