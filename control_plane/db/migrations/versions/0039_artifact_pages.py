"""The artifacts of an experiment by when they came."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_artifacts_newest", "artifacts", ["experiment_id", "created_at", "artifact_id"])


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
