"""Jobs, what they wait for, their attempts, and the holds on slots."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from control_plane.db.tables import metadata
from store_client.wire.jobs import JobState

ON_A_SLOT = text("state IN ('starting', 'running', 'cancelling')")
IS_QUEUED = text("state = 'queued'")
HAS_MORE = text("made < size AND is_cancelled = 0")
IN_AN_ARRAY = text("array_id IS NOT NULL")
STANDS_FOR_ITS_ARRAY = text("(array_index IS NULL OR array_index = 0)")
IN_AN_ACT = text("act_id IS NOT NULL")
IN_A_RUN = text("run_id IS NOT NULL")
HAS_A_CAUSE = text("cause IS NOT NULL")
IS_ENDED = text("state IN ('succeeded', 'failed', 'cancelled', 'timed_out', 'out_of_memory', 'lost')")
HAS_AN_END = text("ended_at IS NOT NULL")
IS_OPEN = text("state IN ('queued', 'starting', 'running', 'cancelling')")

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("experiment_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("resources", JSON, nullable=False, comment="of the spec, which may be large and is read only to run it"),
    Column("spec", JSON, nullable=False),
    Column("commit_sha", String, nullable=False),
    Column("base_commit_sha", String),
    Column("role", String),
    Column("task_id", String),
    Column("claimed_at", String, comment="the claim of the task that the job works under"),
    Column("submitted_by", String, nullable=False),
    Column("idempotency_key", String),
    Column("run_id", String),
    Column("array_id", String, comment="the array it is one of"),
    Column("array_index", Integer),
    Column("act_id", String, comment="the act on many jobs that cancelled it"),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0"), comment="attempts that its policy counts"),
    Column("losses", Integer, nullable=False, server_default=text("0"), comment="attempts that machines failed it"),
    Column("rank", Float, nullable=False, server_default=text("0"), comment="its place within a priority; its number"),
    Column("waits_on", Integer, nullable=False, server_default=text("0"), comment="jobs that must end before"),
    Column("not_before", String, comment="it rests until then"),
    Column("waiting_for", Text),
    Column("giving_way", Text, comment="why its attempt is taken off its slots; the job is then queued again"),
    Column("is_awaited", Integer, nullable=False, server_default=text("0"), comment="1: jobs were to come after it"),
    Column("created_at", String, nullable=False),
    Column("queued_at", String, nullable=False),
    Column("started_at", String),
    Column("ended_at", String),
    Column("exit_code", Integer),
    Column("cause", String),
    Column("detail", Text, comment="how it ended, in words"),
    Column("result", JSON, comment="collected files, kept output and published commit"),
    CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in JobState)})", name="state"),
    CheckConstraint("priority BETWEEN 0 AND 10", name="priority"),
    Index(
        "ix_jobs_waiting", text("priority DESC"), "rank", "number", sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED
    ),
    Index("ix_jobs_array", "array_id", "number", sqlite_where=IN_AN_ARRAY, postgresql_where=IN_AN_ARRAY),
    Index("ix_jobs_array_state", "array_id", "state", "number", sqlite_where=IN_AN_ARRAY, postgresql_where=IN_AN_ARRAY),
    Index("ix_jobs_ended", "state", "number", sqlite_where=IS_ENDED, postgresql_where=IS_ENDED),
    Index(
        "ix_jobs_experiment_ended",
        "experiment_id",
        "state",
        "number",
        sqlite_where=IS_ENDED,
        postgresql_where=IS_ENDED,
    ),
    Index("ix_jobs_last_ended", "ended_at", "number", sqlite_where=HAS_AN_END, postgresql_where=HAS_AN_END),
    Index(
        "ix_jobs_experiment_last_ended",
        "experiment_id",
        "ended_at",
        "number",
        sqlite_where=HAS_AN_END,
        postgresql_where=HAS_AN_END,
    ),
    Index("ix_jobs_experiment_open", "experiment_id", "number", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    Index("ix_jobs_collapsed", "number", sqlite_where=STANDS_FOR_ITS_ARRAY, postgresql_where=STANDS_FOR_ITS_ARRAY),
    Index(
        "ix_jobs_experiment_collapsed",
        "experiment_id",
        "number",
        sqlite_where=STANDS_FOR_ITS_ARRAY,
        postgresql_where=STANDS_FOR_ITS_ARRAY,
    ),
    Index("ix_jobs_run", "run_id", "number", sqlite_where=IN_A_RUN, postgresql_where=IN_A_RUN),
    Index("ix_jobs_act", "act_id", "number", sqlite_where=IN_AN_ACT, postgresql_where=IN_AN_ACT),
    Index("ix_jobs_submitted_by", "submitted_by", "number"),
    Index("ix_jobs_cause", "cause", "number", sqlite_where=HAS_A_CAUSE, postgresql_where=HAS_A_CAUSE),
    Index("ix_jobs_name", "name", postgresql_ops={"name": "text_pattern_ops"}),
    Index("ix_jobs_placed", "number", sqlite_where=ON_A_SLOT, postgresql_where=ON_A_SLOT),
    Index("ix_jobs_open_number", "number", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    Index("ix_jobs_experiment", "experiment_id", "number"),
    Index("ix_jobs_task", "task_id", "number"),
    Index(
        "uq_jobs_key",
        "experiment_id",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL"),
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("slots", JSON, nullable=False),
    Column("node", String, comment="the machine; null is the scheduler's own"),
    Column("started_at", String),
    Column("ended_at", String),
    Column("exit_code", Integer),
    Column("cause", String),
    Column("detail", Text),
    Column("late", Text, comment="an ending that came when it had ended already: evidence, never applied"),
)

holds = Table(
    "holds",
    metadata,
    Column("slot_id", String, primary_key=True),
    Column("unit", Integer, primary_key=True, comment="one live holder per unit of a slot, by this key"),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("held_since", String, nullable=False),
    Index("ix_holds_attempt", "job_id", "attempt"),
)

ORDER = (jobs.c.priority.desc(), jobs.c.rank, jobs.c.number)
"""The order that waiting jobs are kept in."""


job_waits = Table(
    "job_waits",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("on_id", String, primary_key=True, comment="a job or an array that comes first"),
    Column("when_it", String, nullable=False),
    CheckConstraint("when_it IN ('succeeded', 'ended')", name="when_it"),
    Index("ix_job_waits_on", "on_id"),
)

ends_due = Table(
    "job_ends_due",
    metadata,
    Column(
        "on_id", String, primary_key=True, comment="a job or an array that ended; some who wait for it know not yet"
    ),
)

job_tags = Table(
    "job_tags",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("tag", String, primary_key=True),
    Column("number", Integer, nullable=False, comment="of the job: a page of a tag is read in this order"),
    Index("ix_job_tags_tag", "tag", "number"),
)

arrays = Table(
    "job_arrays",
    metadata,
    Column("array_id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True, comment="of its first job"),
    Column("experiment_id", String, nullable=False),
    Column("submitted_by", String, nullable=False),
    Column("idempotency_key", String),
    Column("spec", JSON, nullable=False),
    Column("commit_sha", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("made", Integer, nullable=False, comment="jobs made so far; the others are made as these start"),
    Column("ended", Integer, nullable=False, comment="jobs that ended"),
    Column("succeeded", Integer, nullable=False),
    Column("is_cancelled", Integer, nullable=False, comment="1: no more jobs are made"),
    Column("priority", Integer, comment="of jobs that are yet to be made, when it was changed"),
    Column("rank", Float, comment="where it was moved to as one; jobs that are yet to be made go there"),
    Column("created_at", String, nullable=False),
    Index("ix_job_arrays_open", "number", sqlite_where=HAS_MORE, postgresql_where=HAS_MORE),
)

array_acts = Table(
    "job_array_acts",
    metadata,
    Column("act_id", String, primary_key=True, comment="an act on many jobs that cancelled the array"),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="of the array's first job"),
    Column("array_id", String, ForeignKey("job_arrays.array_id"), nullable=False),
    Index("ix_job_array_acts_array", "array_id"),
)
"""What keeps arrays closed that open again when all of it is taken back; those closed for good have nothing here."""

progress = Table(
    "job_progress",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("at", String, nullable=False, comment="when it last said or printed something"),
    Column("said", JSON, comment="its newest progress, as the wire has it"),
)
