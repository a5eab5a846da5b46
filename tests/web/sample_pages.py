"""Pages filled with invented data, dense enough to judge the look by."""

import random
from dataclasses import replace

from web_ui.charts import ChartPoint, progress_chart
from web_ui.filters import NOTHING
from web_ui.lines import Counts, JobLine, Need
from web_ui.pages.home import ExperimentRow, Home, QueueSummary
from web_ui.pages.overview import Acts, Happening, Leader, Overview, Stage
from web_ui.sparklines import sparkline
from web_ui.templating import Active, Flash, Fleet, Frame, Live, Operator, SwitcherEntry, Tab

NOW = "2025-11-21T09:00:00.000000Z"
BASELINE = 0.9444

SWITCHER = (
    SwitcherEntry("digits", "digits", "running", "best 0.9811", 1, "/e/digits/"),
    SwitcherEntry("packing", "packing", "running", "best 2.6283", 0, "/e/packing/"),
    SwitcherEntry("wide", "wide residual networks on small images", "paused", "best 0.9312", 0, "/e/wide/"),
    SwitcherEntry("old", "old sweep", "failed", "no score", 0, "/e/old/"),
)


def frame(title: str, *, is_deployment: bool = False) -> Frame:
    labels = (
        [("Home", None), ("Queue", 12), ("GPUs", 4), ("Designs", None), ("Admin", None)]
        if is_deployment
        else [
            ("Overview", None),
            ("Ideator", 3),
            ("Executor", 5),
            ("Evaluator", 1),
            ("Lineage", None),
            ("Variants", 1247),
            ("Runs", None),
            ("Tests", None),
            ("Events", None),
            ("Admin", None),
        ]
    )
    return Frame(
        title=title,
        now=NOW,
        request_id="req_01",
        operator=Operator("Ada King", "AK", "admin"),
        active=None if is_deployment else Active("digits", "digits", "running", "best 0.9811"),
        switcher=SWITCHER,
        tabs=tuple(
            Tab(label, f"/{label.lower()}", count, label == "Executor", place == 0)
            for place, (label, count) in enumerate(labels)
        ),
        fleet=Fleet(3, 4, "GPUs", 12),
        live=Live("/events/stream", 41),
    )


def points(count: int) -> tuple[ChartPoint, ...]:
    chance = random.Random(7)  # noqa: S311 - points on a chart, not secrets
    made = []
    for n in range(count):
        value = None if chance.random() < 0.1 else min(0.93 + n / count * 0.04 + chance.gauss(0, 0.012), 0.985)
        made.append(ChartPoint(f"mlp-{n}-aug", f"/e/digits/variants/{n}", value, "wider layer, shift augmentation"))
    return (ChartPoint("seed", "/e/digits/variants/seed", BASELINE, "logistic regression"), *made)


NEEDS = (
    Need(
        "t1",
        "Evaluation of cnn-small is stuck: its worker stopped answering",
        "digits",
        "/e/digits/evaluator",
        "Look",
        "2025-11-21T08:46:00Z",
    ),
    Need("t2", "5 execution tasks wait for a person", "digits", "/e/digits/executor", "Open desk", None),
)
JOBS = (
    JobLine(
        "812", "812 train mlp-128", "/jobs/812", "digits · execution", "running", "running 2:14", "GPU 0, H200", 0.71
    ),
    JobLine(
        "815", "815 score cnn-small", "/jobs/815", "digits · evaluation", "running", "running 0:41", "GPU 1, H200", 0.3
    ),
    JobLine(
        "819",
        "819 sweep lr 3/8",
        "/jobs/819",
        "packing · run",
        "waiting",
        "waiting · 1st",
        "needs 2 free GPUs at once; GPU 1 frees in ~1 min, GPU 3 is used by someone else",
    ),
    JobLine(
        "807",
        "807 train knn-5",
        "/jobs/807",
        "digits · execution",
        "timed_out",
        "",
        "120 s limit; retry 2 of 3 in 40 s",
    ),
)


def home() -> Home:
    rows = (
        ("digits", "running", "maximise accuracy", 0.9811, 0.0367, 2, 5, 1),
        ("packing", "running", "maximise sum_of_radii", 2.6283, 0.0871, 1, 3, 0),
        ("wide residual networks on small images", "paused", "minimise log_loss", 0.0712, 0.0008, 0, 0, 0),
        ("old sweep", "failed", "maximise accuracy", None, None, 0, 0, 0),
    )
    return Home(
        frame=frame("Home", is_deployment=True),
        sentence="2 of 4 experiments run. 2 things need you. 12 jobs wait, 3 run.",
        needs=NEEDS,
        experiments=tuple(
            ExperimentRow(
                slug=name.split()[0],
                name=name,
                href=f"/e/{name.split()[0]}/",
                status=status,
                objective=objective,
                direction="minimize" if "min" in objective else "maximize",
                best=best,
                best_name="mlp-96-aug",
                delta=delta,
                spark=sparkline([0.1, 0.4, 0.4, 0.6, 0.62, 0.9, 0.9], "best so far") if best else None,
                counts=Counts(61, 47, 41, 12, 5),
                running=running,
                waiting=waiting,
                needs_you=needs_you,
                updated_at="2025-11-21T08:59:20Z",
            )
            for name, status, objective, best, delta, running, waiting, needs_you in rows
        ),
        queue=QueueSummary(3, 12, JOBS),
    )


LEADERS = tuple(
    Leader(name, name, f"/e/digits/variants/{name}", value, value - BASELINE, metrics, change, by, name == "seed")
    for name, value, metrics, change, by in (
        ("mlp-96-aug", 0.9811, (0.071, 4.2, 12810), "wider layer, shift augmentation", "auto-executor"),
        ("mlp-64-relu-l2", 0.9789, (0.083, 2.9, 9610), "weight decay 1e-4", "Ada King"),
        ("svm-rbf-g02", 0.9767, (0.090, 1.1, None), "RBF kernel, gamma 0.02", "auto-executor"),
        ("seed", 0.9444, (0.204, 0.31, 650), "logistic regression", NOTHING),
    )
)
HAPPENINGS = tuple(
    Happening(f"e{n}", status, moment, before, what, f"/e/digits/variants/{what}", after)
    for n, (status, before, what, after, moment) in enumerate(
        (
            ("integrated", "", "mlp-96-aug", "joined the lineage", "2025-11-21T08:59:48Z"),
            ("succeeded", "", "mlp-96-aug", "scored 0.9811, the best so far", "2025-11-21T08:59:00Z"),
            ("ready", "Ada King proposed", "svm-poly-3", "", "2025-11-21T08:57:00Z"),
            ("failed", "Job", "807 train knn-5", "failed: it was stopped at its time limit", "2025-11-21T08:54:00Z"),
        )
    )
)
STAGES = tuple(
    Stage(
        name,
        f"/e/digits/{role or 'lineage'}",
        waiting,
        active,
        name != "Evaluate",
        role and f"/e/digits/automation/{role}",
    )
    for name, role, waiting, active in (
        ("Ideate", "ideator", 3, 1),
        ("Execute", "executor", 5, 2),
        ("Evaluate", "evaluator", 1, 1),
        ("Integrate", None, 0, 0),
    )
)


def overview(count: int = 47) -> Overview:
    return Overview(
        frame=frame("Overview"),
        name="digits",
        status="running",
        sentence="Maximise accuracy on 1,797 handwritten digits. Evaluation is by hand.",
        acts=Acts("/e/digits/ideator", pause_href="/e/digits/pause", end_href="/e/digits/end"),
        metric="accuracy",
        knows_objective=True,
        direction="maximize",
        best=0.9811,
        best_delta=0.0367,
        counts=Counts(61, 47, 41, 12, 5),
        running=2,
        waiting=1,
        needs=NEEDS[:1],
        chart=progress_chart(points(count), "accuracy", "maximize", BASELINE),
        chart_metric="accuracy",
        metric_tabs=(
            Tab("accuracy", "?metric=accuracy", is_current=True),
            Tab("log_loss", "?metric=log_loss"),
            Tab("fit_seconds", "?metric=fit_seconds"),
        ),
        metrics=("log_loss", "fit_seconds", "parameters"),
        leaders=LEADERS,
        variants_href="/e/digits/variants",
        stages=STAGES,
        jobs=JOBS,
        happenings=HAPPENINGS,
        tasks_href="/e/digits/tasks",
    )


def empty_home() -> Home:
    return replace(
        home(),
        frame=replace(frame("Home", is_deployment=True), switcher=(), flashes=(Flash("done", "Signed in."),)),
        needs=(),
        experiments=(),
        queue=QueueSummary(0, 0, ()),
    )


def empty_overview() -> Overview:
    return replace(
        overview(),
        frame=replace(
            frame("Overview"),
            flashes=(Flash("failed", "The store did not answer, so the pause may not have happened. Reload to see."),),
        ),
        best=None,
        best_delta=None,
        counts=Counts(0, 0, 0, 0),
        running=0,
        waiting=0,
        needs=(),
        chart=progress_chart((), "accuracy", "maximize"),
        leaders=(),
        jobs=(),
        happenings=(),
    )
