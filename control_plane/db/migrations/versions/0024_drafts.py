"""What people have entered for tasks and not handed in yet."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False, comment="whose draft it is"),
        sa.Column(
            "version",
            sa.BigInteger(),
            nullable=False,
            comment="moves up at every save, also of a draft that is begun anew",
        ),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "task_id", "worker_id", name=op.f("pk_drafts")),
    )
    op.create_index("ix_drafts_worker", "drafts", ["experiment_id", "worker_id", "updated_at"])
    op.create_index("ix_drafts_updated_at", "drafts", ["updated_at"])
    op.create_table(
        "draft_files",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="their order in the draft", autoincrement=False),
        sa.Column("field", sa.String(), nullable=False, comment="of the form that the file was chosen in"),
        sa.Column("artifact_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "task_id", "worker_id", "place", name=op.f("pk_draft_files")),
    )
    op.create_index("ix_draft_files_artifact", "draft_files", ["artifact_id"])


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
