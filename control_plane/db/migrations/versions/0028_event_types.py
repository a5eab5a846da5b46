"""Events by their type."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_type", "events", ["experiment_id", "type", "position"])
    op.create_index("ix_events_type_of_all", "events", ["type", "position"])


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
