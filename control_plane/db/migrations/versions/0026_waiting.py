"""Which tasks of each kind wait, and which are held, the oldest first."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index("ix_tasks_pending", ["experiment_id", "kind", "state", "number"], "state = 'pending'")
    _index("ix_tasks_claimed", ["experiment_id", "state", "number"], "state = 'claimed'")


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _index(name: str, columns: list[str], clause: str) -> None:
    where = sa.text(clause)
    op.create_index(name, "tasks", columns, sqlite_where=where, postgresql_where=where)
