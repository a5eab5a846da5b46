"""Some variants with all that they measured: chosen from the courses, so that no extreme is missed."""

from sqlalchemy import func, select

from control_plane.db import tally
from control_plane.db.transaction import Tx
from control_plane.task_store.operations import courses
from control_plane.task_store.score_tables import OBJECTIVE, measurements
from control_plane.task_store.score_tables import courses as table
from control_plane.task_store.tables import IS_BASELINE, ideas, variants
from store_client.wire import stretches
from store_client.wire.calls.variants import SampleQuery
from store_client.wire.courses import Sample, SampledVariant

MOST_METRICS = 12


def read(tx: Tx, query: SampleQuery) -> Sample:
    """So many variants that have a score or a metric."""
    known = select(table.c.metric).where(table.c.experiment_id == tx.experiment_id, table.c.metric != OBJECTIVE)
    metrics = tuple(tx.connection.scalars(known.distinct().order_by(table.c.metric).limit(MOST_METRICS)))
    found = courses.read(tx, (OBJECTIVE, *metrics))
    marks = {
        metric: [mark for at in sorted(each) for mark in each[at].marks if mark.value is not None]
        for metric, each in found.items()
    }
    numbers = [*_baseline(tx), *stretches.sampled(marks, query.limit)]
    counted = tally.read(tx.connection, tx.experiment_id)
    return Sample(variants=_variants(tx, numbers, metrics), metrics=metrics, total=counted.get("variants.success", 0))


def _baseline(tx: Tx) -> list[int]:
    """The number of the baseline, which stands on no course, once it succeeded: the index of baselines has but it."""
    query = select(variants.c.number, variants.c.objective_value).where(
        variants.c.experiment_id == tx.experiment_id, IS_BASELINE
    )
    return [row.number for row in tx.connection.execute(query) if row.objective_value is not None]


def _variants(tx: Tx, numbers: list[int], metrics: tuple[str, ...]) -> tuple[SampledVariant, ...]:
    values = _values(tx, numbers, metrics)
    same = (ideas.c.experiment_id == variants.c.experiment_id) & (ideas.c.idea_id == variants.c.idea_id)
    called = func.coalesce(variants.c.kind, ideas.c.slug, variants.c.variant_id).label("label")
    told = select(variants.c.number, variants.c.variant_id, called, variants.c.objective_value).outerjoin(ideas, same)
    here = told.where(variants.c.experiment_id == tx.experiment_id, variants.c.number.in_(numbers))
    return tuple(
        SampledVariant(
            number=row.number,
            variant_id=row.variant_id,
            label=row.label,
            value=row.objective_value,
            metrics=values.get(row.number, {}),
        )
        for row in tx.connection.execute(here.order_by(variants.c.number))
    )


def _values(tx: Tx, numbers: list[int], metrics: tuple[str, ...]) -> dict[int, dict[str, float]]:
    """What was measured, by variant: rows by their key, since an index of values would be read from end to end."""
    wanted = select(measurements.c.metric, measurements.c.number, measurements.c.value).where(
        measurements.c.experiment_id == tx.experiment_id,
        measurements.c.metric.in_(metrics),
        measurements.c.number.in_(numbers),
    )
    values: dict[int, dict[str, float]] = {}
    for metric, number, value in tx.connection.execute(wanted):
        if value is not None:
            values.setdefault(number, {})[metric] = value
    return values
