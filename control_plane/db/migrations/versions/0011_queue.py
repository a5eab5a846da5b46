"""Arrays, dependencies, tags and progress of jobs; their order within a priority; and holds on parts of a slot."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

IS_QUEUED = sa.text("state = 'queued'")
IN_AN_ARRAY = sa.text("array_id IS NOT NULL")
HAS_MORE = sa.text("made < size AND is_cancelled = 0")
UNITS = 12
"""Units of a GPU; whoever held one before held all of it."""
HELD = ("slot_id", "job_id", "attempt", "held_since")


def upgrade() -> None:
    _columns()
    _indexes()
    _holds()
    _waits()
    _tags()
    _arrays()
    _progress()


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _columns() -> None:
    zero = sa.text("0")
    for column in (
        sa.Column("run_id", sa.String()),
        sa.Column("array_id", sa.String(), comment="the array it is one of"),
        sa.Column("array_index", sa.Integer()),
        sa.Column(
            "tries", sa.Integer(), nullable=False, server_default=zero, comment="attempts that its policy counts"
        ),
        sa.Column(
            "rank", sa.Float(), nullable=False, server_default=zero, comment="its place within a priority; its number"
        ),
        sa.Column("waits_on", sa.Integer(), nullable=False, server_default=zero, comment="jobs that must end before"),
        sa.Column("not_before", sa.String(), comment="it rests until then"),
    ):
        op.add_column("jobs", column)
    op.add_column("attempts", sa.Column("node", sa.String(), comment="the machine; null is the scheduler's own"))
    op.execute(
        "UPDATE jobs SET rank = number, tries = attempt - "
        "(SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.job_id AND attempts.state = 'preempted')"
    )


def _indexes() -> None:
    op.drop_index("ix_jobs_waiting", "jobs")
    order: list[str | sa.TextClause] = [sa.text("priority DESC"), "rank", "number"]
    op.create_index("ix_jobs_waiting", "jobs", order, sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED)
    array = ["array_id", "array_index"]
    op.create_index("ix_jobs_array", "jobs", array, sqlite_where=IN_AN_ARRAY, postgresql_where=IN_AN_ARRAY)


def _holds() -> None:
    old = sa.table("holds", *(sa.column(name) for name in HELD))
    held = [dict(row) for row in op.get_bind().execute(sa.select(old)).mappings()]
    op.drop_table("holds")
    op.create_table(
        "holds",
        sa.Column("slot_id", sa.String(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False, comment="one live holder per unit of a slot, by this key"),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("held_since", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_holds_job_id")),
        sa.PrimaryKeyConstraint("slot_id", "unit", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_attempt", "holds", ["job_id", "attempt"])
    new = sa.table("holds", sa.column("unit"), *(sa.column(name) for name in HELD))
    rows = [{**row, "unit": unit} for row in held for unit in range(1 if row["slot_id"].startswith("cpu:") else UNITS)]
    if rows:
        op.bulk_insert(new, rows)


def _waits() -> None:
    op.create_table(
        "job_waits",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("on_id", sa.String(), nullable=False, comment="a job or an array that comes first"),
        sa.Column("when_it", sa.String(), nullable=False),
        sa.CheckConstraint("when_it IN ('succeeded', 'ended')", name=op.f("ck_job_waits_when_it")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_waits_job_id")),
        sa.PrimaryKeyConstraint("job_id", "on_id", name=op.f("pk_job_waits")),
    )
    op.create_index("ix_job_waits_on", "job_waits", ["on_id"])


def _tags() -> None:
    op.create_table(
        "job_tags",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the job: a page of a tag is read in this order"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_tags_job_id")),
        sa.PrimaryKeyConstraint("job_id", "tag", name=op.f("pk_job_tags")),
    )
    op.create_index("ix_job_tags_tag", "job_tags", ["tag", "number"])


def _arrays() -> None:
    op.create_table(
        "job_arrays",
        sa.Column("array_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of its first job"),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String()),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("commit_sha", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False, comment="jobs made so far; the others are made as these start"),
        sa.Column("ended", sa.Integer(), nullable=False, comment="jobs that ended"),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("is_cancelled", sa.Integer(), nullable=False, comment="1: no more jobs are made"),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("array_id", name=op.f("pk_job_arrays")),
        sa.UniqueConstraint("number", name=op.f("uq_job_arrays_number")),
    )
    op.create_index("ix_job_arrays_open", "job_arrays", ["number"], sqlite_where=HAS_MORE, postgresql_where=HAS_MORE)


def _progress() -> None:
    op.create_table(
        "job_progress",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False, comment="when it last said or printed something"),
        sa.Column("said", sa.JSON(), comment="its newest progress, as the wire has it"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_progress_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_progress")),
    )
