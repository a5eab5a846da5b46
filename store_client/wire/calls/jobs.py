"""Calls about the job queue."""

from pydantic import Field, field_validator

from store_client.wire.batches import ActName, JobFilter, ListedJobs
from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.jobs import ExitCause, Fleet, JobDetail, JobPage, JobState, LogSlice, Reprioritise, SubmitJob

E = "/api/experiments/{experiment_id}/jobs"
A = "/api/jobs"
S = "/api/scheduler"


class JobPageQuery(PageQuery):
    experiment_id: str | None = None
    state: JobState | None = None
    states: str | None = Field(default=None, max_length=200, description="several of them, with commas between")
    is_open: bool | None = Field(default=None, description="true: waiting and running only; false: ended only")
    tag: str | None = Field(default=None, min_length=1, max_length=100)
    run_id: str | None = Field(default=None, max_length=300)
    array_id: str | None = Field(default=None, max_length=100)
    act_id: ActName | None = Field(default=None, description="those that one act on many cancelled, as they are now")
    submitted_by: str | None = Field(default=None, max_length=100)
    cause: ExitCause | None = None
    name: str | None = Field(default=None, max_length=200, description="what the name begins with")
    is_collapsed: bool = Field(default=False, description="of an array only one: in the queue its next, else its first")
    by_end: bool = Field(
        default=False, description="those that ended, the last one first; goes with experiment_id alone"
    )

    @field_validator("states")
    @classmethod
    def _are_states(cls, value: str | None) -> str | None:
        for word in value.split(",") if value else ():
            JobState(word)
        return value

    def narrowed(self, wanted: JobFilter | None) -> "JobPageQuery":
        """The same with the conditions of a filter."""
        if wanted is None:
            return self
        plain = {name: getattr(wanted, name) for name in JobFilter.model_fields if name != "states"}
        given = {name: value for name, value in plain.items() if value is not None}
        if isinstance(wanted, ListedJobs):
            given |= {"is_collapsed": wanted.is_collapsed, "by_end": wanted.by_end}
        return self.having(**given, states=",".join(wanted.states) or self.states)

    @property
    def filter(self) -> JobFilter:
        """The jobs it asks for."""
        several = tuple(map(JobState, self.states.split(","))) if self.states else ()
        one = () if self.state is None else (self.state,)
        same = {name: getattr(self, name) for name in JobFilter.model_fields if name != "states"}
        return JobFilter(**same, states=tuple(dict.fromkeys(one + several)))


class LogQuery(Query):
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=65_536, ge=1, le=1_048_576)
    attempt: int | None = Field(default=None, ge=1)
    wait_seconds: float = Field(default=0, ge=0, le=30)


class WaitQuery(Query):
    wait_seconds: float = Field(default=0, ge=0, le=30, description="answer when the job has ended, or after so long")


SUBMIT_JOB = Call(
    "submit_job", "POST", E, Who.EITHER, "Queue a command; the same idempotency key gives the same job",
    body=SubmitJob, answer=JobDetail, status=201,
)  # fmt: skip
READ_EXPERIMENT_JOB = Call(
    "read_experiment_job", "GET", E + "/{job_id}", Who.EITHER, "Read a job, or wait for its end",
    query=WaitQuery, answer=JobDetail,
)  # fmt: skip
CANCEL_EXPERIMENT_JOB = Call(
    "cancel_experiment_job", "POST", E + "/{job_id}/cancel", Who.EITHER, "Cancel a job", answer=JobDetail
)
LIST_EXPERIMENT_JOBS = Call(
    "list_experiment_jobs",
    "GET",
    E,
    Who.EITHER,
    "Page through an experiment's jobs",
    query=JobPageQuery,
    answer=JobPage,
)
LIST_JOBS = Call("list_jobs", "GET", A, Who.EITHER, "Page through all jobs", query=JobPageQuery, answer=JobPage)
READ_JOB = Call(
    "read_job", "GET", A + "/{job_id}", Who.EITHER, "Read a job, or wait for its end", query=WaitQuery, answer=JobDetail
)
CANCEL_JOB = Call("cancel_job", "POST", A + "/{job_id}/cancel", Who.ADMIN_OR_ADMINS, "Cancel a job", answer=JobDetail)
RETRY_JOB = Call(
    "retry_job", "POST", A + "/{job_id}/retry", Who.ADMIN_OR_ADMINS, "Queue an ended job again", answer=JobDetail
)
REPRIORITISE_JOB = Call(
    "reprioritise_job", "POST", A + "/{job_id}/priority", Who.ADMIN_OR_ADMINS, "Change a waiting job's priority",
    body=Reprioritise, answer=JobDetail,
)  # fmt: skip
READ_JOB_LOG = Call(
    "read_job_log", "GET", A + "/{job_id}/log", Who.EITHER, "Read a job's log, or wait for more of it",
    query=LogQuery, answer=LogSlice,
)  # fmt: skip
READ_FLEET = Call("read_fleet", "GET", S + "/fleet", Who.EITHER, "Slots and who holds them", answer=Fleet)

CALLS = (
    SUBMIT_JOB, READ_EXPERIMENT_JOB, CANCEL_EXPERIMENT_JOB, LIST_EXPERIMENT_JOBS, LIST_JOBS, READ_JOB, CANCEL_JOB,
    RETRY_JOB, REPRIORITISE_JOB, READ_JOB_LOG, READ_FLEET,
)  # fmt: skip
