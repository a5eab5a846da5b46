"""The open experiments among all that have ended, and the variants that wait for an evaluation among all others."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_experiments_open", "experiments", ["status", "created_at"], "status IN ('running', 'paused')"),
    (
        "ix_variants_evaluable",
        "variants",
        ["experiment_id", "status", "number"],
        "status = 'starting' AND commit_sha IS NOT NULL",
    ),
)


def upgrade() -> None:
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
