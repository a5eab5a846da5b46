"""How jobs end and give way, in words; ends that others wait for; and an index for each filter of a list of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

IN_AN_ARRAY = sa.text("array_id IS NOT NULL")
IN_A_RUN = sa.text("run_id IS NOT NULL")
HAS_A_CAUSE = sa.text("cause IS NOT NULL")
IS_ENDED = sa.text("state IN ('succeeded', 'failed', 'cancelled', 'timed_out', 'out_of_memory', 'lost')")
IS_OPEN = sa.text("state IN ('queued', 'starting', 'running', 'cancelling')")
ON_A_SLOT = "state IN ('starting', 'running', 'cancelling')"


def upgrade() -> None:
    _columns()
    op.create_table(
        "job_ends_due",
        sa.Column(
            "on_id",
            sa.String(),
            nullable=False,
            comment="a job or an array that ended; some who wait for it know not yet",
        ),
        sa.PrimaryKeyConstraint("on_id", name=op.f("pk_job_ends_due")),
    )
    _indexes()
    op.execute(f"UPDATE jobs SET tries = tries - 1 WHERE tries > 0 AND {ON_A_SLOT}")  # noqa: S608 - a constant


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _columns() -> None:
    giving_way = "why its attempt is taken off its slots; the job is then queued again"
    awaited = sa.Column("is_awaited", sa.Integer(), nullable=False, server_default=sa.text("0"))
    awaited.comment = "1: jobs were to come after it"
    late = "an ending that came when it had ended already: evidence, never applied"
    for table, column in (
        ("jobs", sa.Column("giving_way", sa.Text(), comment=giving_way)),
        ("jobs", awaited),
        ("jobs", sa.Column("detail", sa.Text(), comment="how it ended, in words")),
        ("attempts", sa.Column("late", sa.Text(), comment=late)),
        (
            "job_arrays",
            sa.Column("priority", sa.Integer(), comment="of jobs that are yet to be made, when it was changed"),
        ),
    ):
        op.add_column(table, column)


def _indexes() -> None:
    op.drop_index("ix_jobs_array", "jobs")
    for name, columns, where in (
        ("ix_jobs_array", ["array_id", "number"], IN_AN_ARRAY),
        ("ix_jobs_array_state", ["array_id", "state", "number"], IN_AN_ARRAY),
        ("ix_jobs_ended", ["state", "number"], IS_ENDED),
        ("ix_jobs_experiment_ended", ["experiment_id", "state", "number"], IS_ENDED),
        ("ix_jobs_experiment_open", ["experiment_id", "number"], IS_OPEN),
        ("ix_jobs_run", ["run_id", "number"], IN_A_RUN),
        ("ix_jobs_cause", ["cause", "number"], HAS_A_CAUSE),
    ):
        op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_jobs_submitted_by", "jobs", ["submitted_by", "number"])
    op.create_index("ix_jobs_name", "jobs", ["name"], postgresql_ops={"name": "text_pattern_ops"})
