"""What each task is called, and indexes that tell it, and whom the task is for, without a look at the task."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

BATCH = 10_000
IS_PENDING = sa.text("state = 'pending'")
TOLD = ["title", "target_kind", "target_id"]
OF_IDEAS = """UPDATE tasks SET title = (SELECT substr(i.slug, 1, 200) FROM ideas i
WHERE i.experiment_id = tasks.experiment_id AND i.idea_id = tasks.subject_id)
WHERE experiment_id = :of AND number > :after AND number <= :up_to AND kind = 'execution'"""
OF_VARIANTS = """UPDATE tasks SET title = (SELECT COALESCE(v.kind, substr(i.slug, 1, 200)) FROM variants v
LEFT JOIN ideas i ON i.experiment_id = v.experiment_id AND i.idea_id = v.idea_id
WHERE v.experiment_id = tasks.experiment_id AND v.variant_id = tasks.subject_id)
WHERE experiment_id = :of AND number > :after AND number <= :up_to AND kind = 'evaluation'"""


def upgrade() -> None:
    words = "the beginning of what its idea or variant is called; null for an ideation"
    op.add_column("tasks", sa.Column("title", sa.String(), comment=words))
    ends = sa.text("SELECT experiment_id, MAX(number) FROM tasks GROUP BY experiment_id")
    for experiment_id, last in op.get_bind().execute(ends).all():
        for after in range(0, last, BATCH):
            _fill({"of": experiment_id, "after": after, "up_to": after + BATCH})
    op.drop_index("ix_tasks_kind_state", "tasks")
    by_priority: list[str | sa.TextClause] = [
        "experiment_id",
        "kind",
        "state",
        sa.text("priority DESC"),
        "number",
        *TOLD,
    ]
    op.create_index("ix_tasks_kind_state", "tasks", by_priority)
    op.drop_index("ix_tasks_pending", "tasks")
    op.create_index(
        "ix_tasks_pending", "tasks", ["experiment_id", "kind", "state", "number", "priority", *TOLD],
        sqlite_where=IS_PENDING, postgresql_where=IS_PENDING,
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _fill(some: dict[str, object]) -> None:
    for statement in (OF_IDEAS, OF_VARIANTS):
        op.get_bind().execute(sa.text(statement), some)
