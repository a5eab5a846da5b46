"""The overview of an experiment: whether it gets better, and whether it needs a person."""

from dataclasses import dataclass
from typing import ClassVar

from web_ui.charts import ProgressChart
from web_ui.filters import Direction, Moment
from web_ui.lines import Counts, JobLine, Need
from web_ui.templating import Frame, Tab


@dataclass(frozen=True)
class Leader:
    """One of the best variants; `metrics` follow the page's `metrics`, `status` marks the baseline."""

    variant_id: str
    name: str
    href: str
    value: float
    delta: float | None
    metrics: tuple[float | str | None, ...]
    change: str
    by: str
    is_baseline: bool = False


@dataclass(frozen=True)
class Stage:
    """One stage of the loop; `automation_href` is where its switch posts, none where it cannot be turned.

    `note` says why it cannot, where that is not plain. Who does it is None where nobody tells. `since` is when the
    oldest of what waits began to wait.
    """

    name: str
    href: str
    waiting: int
    active: int
    is_automatic: bool | None
    automation_href: str | None
    note: str = ""
    since: Moment | None = None


@dataclass(frozen=True)
class Best:
    """The best so far and what changed in it: `size` says how much, `idea` is the beginning of its idea's text."""

    name: str
    href: str
    diff_href: str | None
    size: str
    value: float
    delta: float | None
    parent: str
    parent_href: str | None
    over_parent: float | None
    change: str
    idea: str
    idea_href: str | None
    by: str
    moment: Moment


@dataclass(frozen=True)
class Improved:
    """One of the variants that were the best in turn."""

    name: str
    href: str
    value: float
    delta: float | None
    moment: Moment


@dataclass(frozen=True)
class AtWork:
    """Who works on what, and since when."""

    key: str
    who: str
    what: str
    href: str
    status: str
    moment: Moment


@dataclass(frozen=True)
class Happening:
    """One line of the activity feed: words, perhaps a thing to look at, words."""

    key: str
    status: str
    moment: Moment
    before: str
    what: str = ""
    what_href: str = ""
    after: str = ""


@dataclass(frozen=True)
class Acts:
    """Where the acts of the head lead; none where this person or this status does not allow it."""

    propose_href: str | None = None
    start_href: str | None = None
    pause_href: str | None = None
    resume_href: str | None = None
    end_href: str | None = None


@dataclass(frozen=True)
class Overview:
    """The page at /e/{experiment}/."""

    template: ClassVar[str] = "overview/index.html"

    frame: Frame
    name: str
    status: str
    sentence: str
    acts: Acts
    metric: str
    knows_objective: bool
    direction: Direction
    best: float | None
    best_delta: float | None
    counts: Counts
    running: int
    waiting: int
    needs: tuple[Need, ...]
    chart: ProgressChart
    chart_metric: str
    metric_tabs: tuple[Tab, ...]
    metrics: tuple[str, ...]
    leaders: tuple[Leader, ...]
    variants_href: str
    stages: tuple[Stage, ...]
    jobs: tuple[JobLine, ...] | None
    happenings: tuple[Happening, ...]
    tasks_href: str
    the_best: Best | None = None
    improved: tuple[Improved, ...] = ()
    at_work: tuple[AtWork, ...] = ()
    metrics_href: str = ""
