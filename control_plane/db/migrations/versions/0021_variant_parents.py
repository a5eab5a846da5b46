"""Which variant was built on which, by number."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BATCH = 2000
OF_ALL = """
UPDATE variant_parents SET parent_number = (SELECT min(owned.number) FROM (
SELECT v.number FROM variants v WHERE v.experiment_id = variant_parents.experiment_id
AND v.commit_sha = variant_parents.commit_sha AND v.number <> variant_parents.number UNION ALL
SELECT v.number FROM variants v WHERE v.experiment_id = variant_parents.experiment_id
AND v.variant_commit_sha = variant_parents.commit_sha AND v.number <> variant_parents.number) AS owned)
"""


def upgrade() -> None:
    op.create_table(
        "variant_parents",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column(
            "number", sa.BigInteger(), autoincrement=False, nullable=False, comment="of the variant that was built"
        ),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False, comment="among its parents"),
        sa.Column("commit_sha", sa.String(), nullable=False),
        sa.Column(
            "parent_number", sa.BigInteger(), comment="of the variant that has this commit; null while none has it"
        ),
        sa.PrimaryKeyConstraint("experiment_id", "number", "place", name=op.f("pk_variant_parents")),
    )
    _index("ix_variant_parents_parent", ["experiment_id", "parent_number", "number"], "parent_number IS NOT NULL")
    _index("ix_variant_parents_nobody", ["experiment_id", "commit_sha"], "parent_number IS NULL")
    _fill()


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _index(name: str, columns: list[str], clause: str) -> None:
    where = sa.text(clause)
    op.create_index(name, "variant_parents", columns, sqlite_where=where, postgresql_where=where)


def _fill() -> None:
    names = ("experiment_id", "number", "place", "commit_sha")
    into = sa.table("variant_parents", *(sa.column(name) for name in names))
    parents = _parents()
    while rows := list(islice(parents, BATCH)):
        op.get_bind().execute(sa.insert(into), rows)
    op.execute(OF_ALL)


def _parents() -> Iterator[dict[str, Any]]:
    told = sa.table(
        "variants",
        sa.column("experiment_id", sa.String),
        sa.column("number", sa.BigInteger),
        sa.column("parent_commits", sa.JSON),
    )
    found = op.get_bind().execute(sa.select(told.c.experiment_id, told.c.number, told.c.parent_commits)).all()
    for experiment_id, number, commits in found:
        for place, commit in enumerate(dict.fromkeys(commits)):
            yield {"experiment_id": experiment_id, "number": number, "place": place, "commit_sha": commit}
