"""One variant: how it scored, who made it, and what it changed against a parent."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import ExperimentDetail, ParentVariant, Unreachable, VariantDetail, VariantStatus
from web_ui.active import Here
from web_ui.diffs import Changes, Room, changes
from web_ui.filters import Direction, Moment, plural, with_query
from web_ui.frame import experiment_frame
from web_ui.previews import Shown, beside
from web_ui.scores import (
    Metric,
    ParentLink,
    measured,
    metric,
    number,
    objective_name,
    over_baseline,
    parent_links,
    side_metrics,
)
from web_ui.templating import Frame, Tab

CHANGED = Room(lines=300, of_file=120, characters=24_000)
SENTENCES = {
    VariantStatus.STARTING: "In the making: it has no score yet.",
    VariantStatus.ERROR: "It failed: it could not be made, or not be measured.",
    VariantStatus.EVALUATION_ERROR: "It was not evaluated: the evaluator itself failed each time.",
}


@dataclass(frozen=True)
class VariantPage:
    """The page at /e/{experiment}/variants/{variant}."""

    template: ClassVar[str] = "variants/show.html"

    frame: Frame
    variant_id: str
    number: int
    name: str
    status: str
    sentence: str
    objective: str
    direction: Direction
    value: float | None
    delta: float | None
    metrics: tuple[tuple[str, Metric], ...]
    description: str
    idea: str | None
    who: tuple[tuple[str, str], ...]
    moments: tuple[tuple[str, Moment | None], ...]
    parents: tuple[ParentLink, ...]
    commits: tuple[tuple[str, str], ...]
    branch: str
    acts: tuple[Tab, ...]
    files: Shown
    diff_href: str
    compared: str
    comparisons: tuple[Tab, ...]
    changes: Changes | None
    diff_fault: str


@dataclass(frozen=True)
class Compared:
    """What a variant is compared with, and what came of it."""

    parent: ParentVariant | None
    changes: Changes | None = None
    fault: str = ""


async def show(here: Here) -> Response:
    """The variant, with its diff against its first parent or the one that the address picks."""
    variant_id = str(here.visit.request.path_params["variant"])
    variant, detail, fleet = await asyncio.gather(
        here.store.read_variant_detail(variant_id), here.store.read_experiment_detail(), here.visit.fleet()
    )
    frame = experiment_frame(here, variant.label, "variants", fleet)
    compared, files = await asyncio.gather(_compare(here, variant), _files(here, variant))
    return here.visit.show(_page(here, frame, (variant, detail), (compared, files)))


async def _compare(here: Here, variant: VariantDetail) -> Compared:
    asked = here.visit.request.query_params.get("parent")
    parent = next((one for one in variant.parents if one.commit_sha == asked), next(iter(variant.parents), None))
    if parent is None or variant.commit_sha is None:
        return Compared(parent, fault="There is no commit yet to compare.")
    if variant.kind == "baseline":
        return Compared(None, fault="The baseline is the commit that the experiment began with.")
    if here.clone is None:
        return Compared(parent, fault="This console was started without a repository, so it cannot read the commits.")
    try:
        diff = await here.clone.diff(parent.commit_sha, variant.commit_sha)
    except Unreachable:
        return Compared(parent, fault="The repository does not answer now; reload in a moment to see the diff.")
    if diff is None:
        return Compared(parent, fault="The repository no longer has one of the two commits.")
    return Compared(parent, await asyncio.to_thread(changes, diff, CHANGED))


def _page(
    here: Here,
    frame: Frame,
    known: tuple[VariantDetail, ExperimentDetail],
    found: tuple[Compared, Shown],
) -> VariantPage:
    (variant, detail), (compared, files) = known, found
    value = number(variant.objective_value)
    evaluation = variant.evaluation or {}
    names = side_metrics(detail, measured(detail.evaluation_schema, [evaluation]))
    return VariantPage(
        frame=frame,
        variant_id=variant.variant_id,
        number=variant.number,
        name=variant.label,
        status="integrated" if variant.variant_commit_sha else variant.status.value,
        sentence=_sentence(variant),
        objective=objective_name(detail),
        direction=detail.objective.direction,
        value=value,
        delta=None if variant.kind == "baseline" else over_baseline(detail, value),
        metrics=tuple((name, metric(evaluation.get(name))) for name in names),
        description=variant.description or "",
        idea=here.url("idea", idea=variant.idea_id) if variant.idea_id else None,
        who=_who(variant),
        moments=(("Started", variant.started_at), ("Ended", variant.completed_at)),
        parents=parent_links(variant.parents, lambda one: here.url("variant", variant=one)),
        commits=_commits(variant),
        branch=variant.branch or "",
        acts=_acts(here, variant),
        files=files,
        diff_href=with_query(
            here.url("diff", variant=variant.variant_id),
            against=compared.parent.commit_sha if compared.parent else None,
        ),
        compared=compared.parent.label if compared.parent else "",
        comparisons=_comparisons(here, variant, compared),
        changes=compared.changes,
        diff_fault=compared.fault,
    )


def _sentence(variant: VariantDetail) -> str:
    if variant.kind == "baseline" and variant.objective_value is not None:
        return "The baseline: what every other variant is measured against."
    if variant.status is not VariantStatus.SUCCESS:
        return SENTENCES[variant.status]
    place = "The best so far" if variant.is_best else "Scored"
    rest = "; it is part of the canonical lineage" if variant.variant_commit_sha else "; it is not integrated yet"
    return f"{place}{rest if variant.kind is None else ''}."


def _who(variant: VariantDetail) -> tuple[tuple[str, str], ...]:
    who = [("Executed by", variant.executor_name), ("Evaluated by", variant.evaluator_name)]
    if variant.evaluation_attempts > 1:
        who.append(("Evaluated", plural(variant.evaluation_attempts, "time")))
    return tuple((label, name) for label, name in who if name)


def _commits(variant: VariantDetail) -> tuple[tuple[str, str], ...]:
    named = (("Commit", variant.commit_sha), ("Integrated as", variant.variant_commit_sha))
    return tuple((label, sha) for label, sha in named if sha)


async def _files(here: Here, variant: VariantDetail) -> Shown:
    """What the idea says, and what execution and evaluation left behind, as far as it fits beside the rest."""
    idea = await here.store.read_idea_detail(variant.idea_id) if variant.idea_id else None
    cited = (
        ("The idea", idea.artifacts_uri if idea else None),
        ("From the execution", variant.executor_artifacts_uri),
        ("From the evaluation", variant.artifacts_uri),
    )
    return await beside(here, cited)


def _acts(here: Here, variant: VariantDetail) -> tuple[Tab, ...]:
    """Where a variant leads on."""
    acts = [Tab("Compare", with_query(here.url("compare"), variant=variant.variant_id))]
    if here.visit.offers.is_ours:
        acts.insert(0, Tab("In the lineage", with_query(here.url("lineage"), around=variant.variant_id)))
        if variant.commit_sha and here.visit.may_act:
            acts.insert(0, Tab("Build on this", with_query(here.url("ideator"), parent=variant.variant_id)))
    if variant.commit_sha and here.clone is not None:
        acts.append(Tab("Its files", here.url("code", commit=variant.commit_sha)))
    return tuple(acts)


def artifact_href(here: Here, uri: str) -> str:
    """Where a cited file is downloaded."""
    return with_query(here.url("artifact"), uri=uri)


def _comparisons(here: Here, variant: VariantDetail, compared: Compared) -> tuple[Tab, ...]:
    """With several parents, one place for each."""
    if len(variant.parents) < 2:
        return ()
    path = here.url("variant", variant=variant.variant_id)
    return tuple(
        Tab(f"against {one.label}", with_query(path, parent=one.commit_sha), is_current=one is compared.parent)
        for one in variant.parents
    )
