"""What the ideator's page asks about its task: what to build on, who is there, and what its job proposed."""

import asyncio
import re
from dataclasses import dataclass

from store_client import (
    IdeasProposed,
    IdeationFailed,
    IdeationOutcome,
    NotFound,
    Refused,
    Unauthorized,
    VariantDetail,
    VariantStatus,
    read_ideation,
)
from web_ui.active import Here
from web_ui.filters import figure, plural, short_commit
from web_ui.forms.ideation import COMMIT, IdeationForm
from web_ui.forms.members import Members
from web_ui.scores import commit_of, is_untold
from web_ui.standing import Opened

BEST = 12
VARIANT = re.compile(r"[\w.-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class Facts:
    """The best variants, what the task's job proposed, and who is there."""

    best: tuple[VariantDetail, ...]
    result: IdeationOutcome | None
    base: str
    members: Members

    @property
    def default_parent(self) -> str:
        """The best variant so far, else the base commit; where nobody knows what is better, that first."""
        best = next((commit_of(one) or "" for one in self.best), "")
        is_blind = any(one.objective_value is None for one in self.best)
        return (self.base or best) if is_blind else (best or self.base)

    @property
    def run_note(self) -> str:
        """What the job on the queue proposed, in a sentence."""
        match self.result:
            case IdeasProposed(drafts) if drafts:
                return f"The job has proposed {plural(len(drafts), 'idea')}, filled in here. Look at them, then submit."
            case IdeasProposed():
                return "The job had no idea."
            case IdeationFailed(reason):
                return f"The job has proposed nothing: {reason}."
        return ""


@dataclass(frozen=True)
class BuiltOn:
    """What the address asks the next ideas to build on, and what it is called; all empty where it asks for nothing."""

    asked: str = ""
    commit: str = ""
    name: str = ""


async def built_on(here: Here) -> BuiltOn:
    """A commit as it is named, or that of a variant."""
    asked = here.visit.request.query_params.get("parent", "")
    if COMMIT.fullmatch(asked):
        return BuiltOn(asked, asked, short_commit(asked))
    if not VARIANT.fullmatch(asked):
        return BuiltOn()
    try:
        variant = await here.store.read_variant_detail(asked)
    except NotFound:
        return BuiltOn()
    commit = commit_of(variant)
    return BuiltOn(asked, commit, variant.label) if commit else BuiltOn()


async def gather(opened: Opened) -> Facts:
    """Everything at once."""
    scored, members = await asyncio.gather(_scored(opened), members_of(opened))
    job = opened.job
    result = read_ideation(job) if job is not None and job.state.is_final else None
    return Facts(scored, result, opened.detail.base_commit_sha or "", members)


async def members_of(opened: Opened) -> Members:
    """Everybody here whom an idea can be meant for; nobody where the server does not tell."""
    store = opened.here.store
    try:
        workers, groups = await asyncio.gather(store.list_workers(), store.list_groups())
    except Unauthorized:
        raise
    except Refused:
        return Members()
    named = {one.worker_id: one.name or "" for one in workers.workers}
    return Members(named | {one.group_id: one.name or "" for one in groups.groups})


async def _scored(opened: Opened) -> tuple[VariantDetail, ...]:
    """The best variants; where nobody knows what is better, the newest that were measured."""
    store, is_blind = opened.here.store, is_untold(opened.detail)
    if is_blind:
        page = await store.list_variant_page(VariantStatus.SUCCESS, limit=BEST)
    else:
        page = await store.list_variant_page(order="best", limit=BEST)
    return tuple(one for one in page.items if (is_blind or one.objective_value is not None) and commit_of(one))


def parents_of(facts: Facts, form: IdeationForm) -> tuple[tuple[str, str], ...]:
    """What an idea may build on: the best variants with their scores, the base commit, and what was chosen already."""
    offered = {commit_of(one) or "": named(one) for one in facts.best}
    if facts.base:
        offered.setdefault(facts.base, "the base commit")
    for one in form.slots:
        if one.parent.value:
            called = (offered.get(sha, short_commit(sha)).partition(" · ")[0] for sha in one.parents)
            offered.setdefault(one.parent.value, " and ".join(called))
    return tuple(offered.items())


def named(one: VariantDetail) -> str:
    """A variant with its score: halfway · 0.5600 · best so far."""
    score = (figure(float(one.objective_value)),) if one.objective_value is not None else ()
    return " · ".join((one.label, *score, *(("best so far",) if one.is_best else ())))
