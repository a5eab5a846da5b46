"""How jobs read on a page: what they need, what they do, why they wait, how they ended."""

from store_client import Job, JobDetail, JobState, Resources, parse_time
from web_ui.filters import duration, ordinal, plural, size

ENDINGS = {
    "user_error": "its command ended with exit code {exit_code}",
    "timeout": "it was stopped at its time limit",
    "cancelled": "it was cancelled",
    "out_of_memory": "it ran out of memory",
    "node_lost": "its processes were lost",
    "start_failed": "it could not be started",
    "preempted": "it was stopped before its end and is queued again",
    "dependency_failed": "what it was to come after did not succeed",
    "experiment_ended": "its experiment ended first",
}
KIND_OF = {"ideator": "ideation", "executor": "execution", "evaluator": "evaluation"}


def needs(resources: Resources) -> str:
    """What an attempt holds: 1 GPU with 20 GB · 2 CPUs."""
    parts = []
    if resources.gpus or resources.gpus_where_present:
        memory = f" with {size(resources.gpu_memory_bytes)}" if resources.gpu_memory_bytes else ""
        parts.append(_gpus(resources) + memory)
    if resources.cpus > 1 or not resources.gpus:
        parts.append(plural(resources.cpus, "CPU"))
    if resources.memory_bytes:
        parts.append(size(resources.memory_bytes))
    return " · ".join(parts)


def _gpus(resources: Resources) -> str:
    """Which GPUs: 2 GPUs, half of one, a slice, or one only where there is one."""
    count = max(resources.gpus, resources.gpus_where_present)
    what = plural(count, "GPU")
    if resources.gpu_share is not None:
        what = f"{100 * resources.gpu_share:.3g} % of a GPU"
    elif resources.mig_profile is not None:
        what = f"a {resources.mig_profile} slice"
    return what if resources.gpus else f"{what} where there is one"


def status_text(job: Job) -> str:
    """The state on its chip: waiting · 2nd, running, timed out."""
    if job.state is JobState.QUEUED:
        return f"waiting · {ordinal(job.position)}" if job.position else "waiting"
    if job.state is JobState.RUNNING and job.attempt > 1:
        return f"running · {ordinal(job.attempt)} attempt"
    return job.state.value.replace("_", " ")


def why(job: Job) -> str:
    """Why a job waits or how it failed; empty where there is nothing to explain."""
    if job.state is JobState.QUEUED:
        return job.waiting_for or ("lost its last attempt; it is tried again" if job.attempt else "")
    if not job.state.is_final or job.state is JobState.SUCCEEDED or job.cause == "cancelled":
        return ""
    return ending(job)


def ending(job: Job) -> str:
    """How an ended job failed, in a clause."""
    words = ENDINGS.get(job.cause or "", "")
    if job.cause == "user_error" and job.exit_code is None:
        return "its command failed"
    return words.format(exit_code=job.exit_code)


def what_for(job: Job) -> str:
    """The kind of work: execution, evaluation, ideation; a job of its own is just a job."""
    return KIND_OF.get(job.role or "", "job")


def sentence(job: JobDetail) -> str:
    """How a job stands, in one sentence."""
    match job.state:
        case JobState.QUEUED:
            reason = f": {job.waiting_for}" if job.waiting_for else ""
            place = f"{ordinal(job.position)} in the queue" if job.position else "in the queue"
            return f"Waits, {place}{reason}."
        case JobState.STARTING:
            return "Its slots are held; its command is about to start."
        case JobState.RUNNING:
            return f"Its command runs and may take {duration(job.timeout_seconds)} at most."
        case JobState.CANCELLING:
            return "Its processes are being ended."
        case JobState.SUCCEEDED:
            took = lasted(job)
            return f"Its command succeeded{f' after {took}' if took else ''}."
        case _:
            took, how = lasted(job), ending(job)
            return f"Ended{f' after {took}' if took else ''}{f': {how}' if how else ''}."


def lasted(job: Job) -> str:
    """How long the last attempt took."""
    seconds = seconds_of(job)
    return duration(seconds) if seconds is not None else ""


def seconds_of(job: Job) -> float | None:
    """How long an ended job ran."""
    if job.started_at is None or job.ended_at is None:
        return None
    return (parse_time(job.ended_at) - parse_time(job.started_at)).total_seconds()
