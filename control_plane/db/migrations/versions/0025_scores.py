"""What variants measured, their course in a bounded number of stretches, and which of them were records."""

import json
import math
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MOST, STEPS, WORD_LENGTH, BATCH = 128, 48, 200, 2000
ENDED = """
SELECT v.experiment_id, v.number, v.variant_id, v.kind, v.status, v.evaluation, v.objective_value, v.completed_at,
v.started_at, COALESCE(v.kind, i.slug, v.variant_id) AS label FROM variants v LEFT JOIN ideas i
ON i.experiment_id = v.experiment_id AND i.idea_id = v.idea_id WHERE v.experiment_id = :of AND v.status <> 'starting'
"""


def upgrade() -> None:
    _measurements()
    _courses()
    _record_table()
    op.add_column("scores", sa.Column("best_label", sa.String(), comment="what the best variant is called"))
    steps = sa.JSON(none_as_null=True)
    op.add_column(
        "scores", sa.Column("steps", steps, comment="how the best came to be: number of the variant and value")
    )
    for experiment_id, config in op.get_bind().execute(sa.text("SELECT experiment_id, config FROM experiments")).all():
        told = json.loads(config) if isinstance(config, str) else config
        _fill(experiment_id, (told.get("objective") or {}).get("direction") == "minimize")


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")


def _measurements() -> None:
    op.create_table(
        "measurements",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="of the variant"),
        sa.Column("value", sa.Float(), comment="of a metric that is a number"),
        sa.Column("word", sa.String(), comment="the beginning of a metric that is a text"),
        sa.PrimaryKeyConstraint("experiment_id", "metric", "number", name=op.f("pk_measurements")),
    )
    for column in ("value", "word"):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_measurements_{column}", "measurements", ["experiment_id", "metric", column, "number"],
            sqlite_where=given, postgresql_where=given,
        )  # fmt: skip


def _courses() -> None:
    kept = sa.JSON(none_as_null=True)
    op.create_table(
        "courses",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False, comment="empty for the objective"),
        sa.Column(
            "bucket", sa.Integer(), autoincrement=False, nullable=False,
            comment="a stretch of variants",
        ),
        sa.Column("low", kept, comment="the lowest of the stretch: number, variant, label, value"),
        sa.Column("high", kept, comment="the highest"),
        sa.Column("failed", kept, comment="the first that has no value"),
        sa.PrimaryKeyConstraint("experiment_id", "metric", "bucket", name=op.f("pk_courses")),
    )  # fmt: skip
    op.create_table(
        "course_widths",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False, comment="of all courses of the experiment: a power of two"),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_course_widths")),
    )


def _record_table() -> None:
    op.create_table(
        "records",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column(
            "place", sa.Integer(), autoincrement=False, nullable=False, comment="counts the experiment's records"
        ),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("before", sa.Float(), comment="the best until then"),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "place", name=op.f("pk_records")),
    )
    op.create_index("ix_records_variant", "records", ["experiment_id", "variant_id"])


def _fill(experiment_id: str, is_minimised: bool) -> None:
    last = op.get_bind().execute(
        sa.text("SELECT MAX(number) FROM variants WHERE experiment_id = :of"), {"of": experiment_id}
    )
    width = 1 << max(math.ceil((last.scalar() or 0) / MOST) - 1, 0).bit_length()
    stretches: dict[tuple[str, int], dict[str, Any]] = {}
    here = {"experiment_id": experiment_id}
    for rows in _batches(experiment_id):
        measured = [each for row in rows for each in _measured(row)]
        _insert(
            "measurements",
            [here | dict(zip(("metric", "number", "value", "word"), each, strict=True)) for each in measured],
        )
        _note(stretches, width, rows, measured)
    if not stretches:
        return
    _insert("course_widths", [here | {"width": width}])
    _insert("courses", [here | {"metric": of, "bucket": at} | each for (of, at), each in stretches.items()])
    _records(experiment_id, is_minimised)


def _batches(experiment_id: str) -> Iterator[list[Any]]:
    after = 0
    query = sa.text(f"{ENDED} AND v.number > :after ORDER BY v.number LIMIT {BATCH}")
    while rows := op.get_bind().execute(query, {"of": experiment_id, "after": after}).all():
        yield list(rows)
        after = rows[-1].number


def _measured(row: Any) -> Iterator[tuple[str, int, float | None, str | None]]:
    found = json.loads(row.evaluation) if isinstance(row.evaluation, str) else row.evaluation
    for metric, told in (found or {}).items():
        value, word = _number(told), None
        if isinstance(told, str):
            word = told[:WORD_LENGTH].replace("\x00", "").encode(errors="replace").decode()
        if value is not None or word is not None:
            yield metric, row.number, value, word


def _number(told: Any) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        value = float(told)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _note(stretches: dict[tuple[str, int], dict[str, Any]], width: int, rows: list[Any], measured: list[Any]) -> None:
    told = {row.number: row for row in rows if row.kind is None}
    points = [("", row.number, _number(row.objective_value)) for row in told.values()]
    points += [(metric, number, value) for metric, number, value, _ in measured if value is not None]
    for metric, number, value in points:
        if number not in told:
            continue
        row = told[number]
        mark = [number, row.variant_id, row.label, value, row.status if metric == "" else "success"]
        kept = stretches.setdefault((metric, (number - 1) // width), {"low": None, "high": None, "failed": None})
        if value is None:
            kept["failed"] = kept["failed"] or mark
            continue
        kept["low"] = mark if kept["low"] is None or value < kept["low"][3] else kept["low"]
        kept["high"] = mark if kept["high"] is None or value > kept["high"][3] else kept["high"]


def _records(experiment_id: str, is_minimised: bool) -> None:
    query = sa.text(f"{ENDED} AND v.objective_value IS NOT NULL ORDER BY v.completed_at, v.number")
    best: Any = None
    found: list[dict[str, Any]] = []
    for row in op.get_bind().execute(query, {"of": experiment_id}):
        value = row.objective_value
        if best is not None and not (value < best.objective_value if is_minimised else value > best.objective_value):
            continue
        found.append(
            {
                "experiment_id": experiment_id, "place": len(found) + 1, "number": row.number, "label": row.label,
                "variant_id": row.variant_id, "value": value, "before": best and best.objective_value,
                "at": row.completed_at or row.started_at,
            }
        )  # fmt: skip
        best = row
    if best is None:
        return
    _insert("records", found)
    steps = [[each["number"], each["value"]] for each in found]
    while len(steps) > STEPS:
        steps = [*steps[:-1:2], steps[-1]]
    op.get_bind().execute(
        sa.text("UPDATE scores SET best_label = :label, steps = :steps WHERE experiment_id = :of"),
        {"label": best.label, "steps": json.dumps(steps), "of": experiment_id},
    )


def _insert(into: str, rows: list[dict[str, Any]]) -> None:
    kept = sa.JSON(none_as_null=True)
    types = dict.fromkeys(("low", "high", "failed"), kept)
    for start in range(0, len(rows), BATCH):
        table = sa.table(into, *(sa.column(name, types.get(name)) for name in rows[0]))
        op.get_bind().execute(sa.insert(table), rows[start : start + BATCH])
