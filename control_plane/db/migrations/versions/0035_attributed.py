"""The tasks that each worker handed in, the ideas that each had, and tasks by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

HAS_SUBMITTER, HAS_AUTHOR = sa.text("submitted_by IS NOT NULL"), sa.text("created_by IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_tasks_submitted_by",
        "tasks",
        ["experiment_id", "submitted_by", "number"],
        sqlite_where=HAS_SUBMITTER,
        postgresql_where=HAS_SUBMITTER,
    )
    op.create_index("ix_tasks_created", "tasks", ["experiment_id", "created_at", "number"])
    op.create_index(
        "ix_ideas_created_by",
        "ideas",
        ["experiment_id", "created_by", "number"],
        sqlite_where=HAS_AUTHOR,
        postgresql_where=HAS_AUTHOR,
    )


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
