"""Doing a claimed task on the queue: the very job that an automatic worker would submit."""

from dataclasses import dataclass

from store_client import (
    ROLE_OF,
    AlreadyExists,
    IdeaTexts,
    JobDetail,
    Refused,
    SubmitJob,
    Unauthorized,
    Unreachable,
    evaluation_job,
    execution_job,
    ideation_job,
    parse_time,
    read_history,
    read_text,
)
from web_ui.workflows.execution import start_variant
from web_ui.workflows.outcomes import Declined, Hand, Stranded

IDEA_BYTES = 200_000


@dataclass(frozen=True)
class Queued:
    """The job is in the queue."""

    job: JobDetail


async def run(hand: Hand, now: str) -> Queued | Declined | Stranded:
    """Queue the task's work once under this claim."""
    if not hand.is_held:
        return Stranded("lost", "the claim has ended")
    if not hand.assignment.experiment.commands.get(ROLE_OF[hand.task.kind]):
        return Declined("the experiment has no command for this role")
    try:
        return Queued(await job_of(hand) or await hand.store.submit_job(await _order(hand, now)))
    except Unauthorized:
        raise
    except AlreadyExists:
        job = await job_of(hand)
        return Queued(job) if job else Declined("a job for this claim was queued before")
    except Refused as refusal:
        return Declined(refusal.detail)
    except Unreachable as silence:
        return Stranded("unknown", str(silence))


async def job_of(hand: Hand) -> JobDetail | None:
    """The job that was queued under this claim."""
    task = await hand.store.read_task_detail(hand.assignment.task_id)
    if task.latest_job_id is None:
        return None
    job = await hand.store.read_experiment_job(task.latest_job_id)
    claim = hand.assignment.claim
    is_ours = job.submitted_by == claim.worker_id and parse_time(job.created_at) >= parse_time(claim.claimed_at)
    return job if is_ours else None


async def _order(hand: Hand, now: str) -> SubmitJob:
    match hand.task.kind:
        case "ideation":
            return ideation_job(hand.assignment, await read_history(hand.store, IdeaTexts(hand.store)))
        case "execution":
            idea = await hand.store.read_idea(str(hand.task.subject_id))
            text = await read_text(hand.store, idea.artifacts_uri, IDEA_BYTES)
            variant_id = hand.assignment.variant_id
            await start_variant(hand, now, branch=hand.assignment.branch(variant_id))
            return execution_job(hand.assignment, idea, text, variant_id)
        case _:
            variant = await hand.store.read_variant_detail(str(hand.task.subject_id))
            return evaluation_job(hand.assignment, variant, variant.label)
