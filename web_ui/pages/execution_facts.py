"""What the executor's page asks about its task, and what it fills in by itself."""

import asyncio
from dataclasses import dataclass, replace

from store_client import Executed, ExecutionFailed, IdeaDetail, read_execution
from web_ui.commits import Examined, Pushes, pushes_of
from web_ui.filters import ago, plural
from web_ui.forms.execution import ExecutionForm
from web_ui.git_commands import clone_url, to_execute
from web_ui.previews import Shown, with_idea
from web_ui.scores import ParentLink, name_parents
from web_ui.standing import Opened, idea_text


@dataclass(frozen=True)
class Step:
    """One step of the work; state is done, now or later."""

    label: str
    note: str
    state: str


@dataclass(frozen=True)
class ExecutionFacts:
    """The idea, what it builds on, what was pushed, and what its job brought back."""

    idea: IdeaDetail
    text: str
    text_fault: str
    files: Shown
    parents: tuple[ParentLink, ...]
    pushes: Pushes
    branch: str
    commands: str
    result: Executed | ExecutionFailed | None = None

    @property
    def run_note(self) -> str:
        """What the job on the queue brought back, in a sentence."""
        match self.result:
            case Executed():
                return "The job has made a commit, which is filled in. Look at it, then submit it."
            case ExecutionFailed(reason):
                return f"The job has made nothing to submit: {reason}. Do it by hand, or say that it could not be done."
            case None:
                return ""


async def gather(opened: Opened) -> ExecutionFacts:
    """Everything about the task's idea and, for its holder, about what was pushed."""
    here, task = opened.here, opened.task
    idea = await here.store.read_idea_detail(str(task.subject_id))
    named = name_parents(
        here.store, idea.parent_commits, opened.detail.base_commit_sha, lambda one: here.url("variant", variant=one)
    )
    (text, fault), files, parents, pushes = await asyncio.gather(
        idea_text(here, idea.artifacts_uri), with_idea(here, idea.artifacts_uri), named, _pushes(opened)
    )
    branch = branch_of(opened)
    url = clone_url(here, opened.detail, opened.worker_id)
    return ExecutionFacts(
        idea=idea,
        text=text,
        text_fault=fault,
        files=files,
        parents=parents,
        pushes=pushes,
        branch=branch,
        commands=to_execute(url, opened.detail.slug, branch, idea.parent_commits) if branch and url else "",
        result=read_execution(opened.job) if opened.job is not None and opened.job.state.is_final else None,
    )


async def _pushes(opened: Opened) -> Pushes:
    return await pushes_of(opened.here, opened.worker_id, branch_of(opened)) if opened.is_mine else Pushes()


def branch_of(opened: Opened) -> str:
    """The branch to push to, for who holds the task."""
    return opened.hand.assignment.branch(opened.hand.assignment.variant_id) if opened.is_mine else ""


def prefilled(opened: Opened, facts: ExecutionFacts) -> ExecutionForm:
    """The form with what the job brought back, else with the newest push to the task's own branch."""
    form, push = ExecutionForm(), facts.pushes.on(facts.branch) if opened.is_mine else None
    if opened.here.clone is None:
        form = replace(form, branch=form.branch.holding(facts.branch))
    if push is not None:
        form = replace(form, commit=form.commit.holding(push.commit_sha))
    match facts.result:
        case Executed(commit_sha, description):
            return replace(
                form, commit=form.commit.holding(commit_sha), description=form.description.holding(description or "")
            )
        case ExecutionFailed(reason):
            return replace(form, reason=form.reason.holding(reason))
    return form


def steps(opened: Opened, facts: ExecutionFacts, examined: Examined) -> tuple[Step, ...]:
    """Claim, push, submit: where the work stands."""
    claim = opened.task.claim
    if claim is None or not opened.is_mine:
        return (
            Step("Claim", "not yours now", "now"),
            Step("Push a commit", "", "later"),
            Step("Check and submit", "", "later"),
        )
    claimed = Step("Claim", f"done {ago(claim.claimed_at, opened.here.visit.now)}", "done")
    if opened.here.clone is None:
        return (
            claimed,
            Step("Push a commit", "to the experiment's repository", "now"),
            Step("Submit", "its id", "later"),
        )
    if not examined.checks:
        waits = (
            "the job on the queue does it"
            if opened.job and not opened.job.state.is_final
            else "to your branch, as shown"
        )
        return (claimed, Step("Push a commit", waits, "now"), Step("Check and submit", "when there is one", "later"))
    passed = sum(check.is_passed for check in examined.checks)
    found = "found on your branch" if facts.pushes.on(facts.branch) else "picked by you"
    note = f"{plural(passed, 'check')} passed" if passed == len(examined.checks) else "a check needs a look"
    return (claimed, Step("Push a commit", found, "done"), Step("Check and submit", note, "now"))
