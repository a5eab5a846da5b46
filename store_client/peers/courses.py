"""The course of a peer's experiment, computed from the copy of its variants."""

from collections.abc import Iterable

from store_client.peers import variants
from store_client.peers.copy import Copy
from store_client.peers.kept import KeptVariant
from store_client.peers.peer import Peer
from store_client.wire import stretches
from store_client.wire.calls.variants import CourseQuery, SampleQuery
from store_client.wire.courses import Course, CoursePoint, Improvement, Sample, SampledVariant
from store_client.wire.stretches import Mark
from store_client.wire.variants import VariantStatus


async def read(peer: Peer) -> Course:
    """As the control plane keeps it for its own experiments."""
    query = peer.query
    assert isinstance(query, CourseQuery)  # noqa: S101 - the table of calls says so
    copy = await peer.copy()
    ended = [kept for kept in copy.variants.values() if kept.status is not VariantStatus.STARTING]
    tried = [kept for kept in ended if not kept.is_baseline]
    last = max((kept.number for kept in tried), default=0)
    width = stretches.width_for(last)
    found = stretches.course_of((mark for kept in tried if (mark := _mark(copy, kept, query.metric))), width)
    marks = [mark for at in sorted(found) for mark in found[at].marks]
    baseline = next((_value(kept, query.metric) for kept in ended if kept.is_baseline), None)
    return Course(
        metric=query.metric,
        width=width,
        last=last,
        baseline=baseline,
        points=tuple(_point(mark) for mark in marks),
        metrics=tuple(sorted({name for kept in tried for name in _numbers(kept)})),
        improvements=tuple(_improvements(copy, ended))[::-1][: query.improvements],
    )


async def sample(peer: Peer) -> Sample:
    """The same choice as the control plane makes."""
    query = peer.query
    assert isinstance(query, SampleQuery)  # noqa: S101 - the table of calls says so
    copy = await peer.copy()
    scored = {kept.number: kept for kept in copy.variants.values() if kept.status is VariantStatus.SUCCESS}
    numbers = {number: _numbers(scored[number]) for number in sorted(scored)}
    metrics = tuple(sorted({name for found in numbers.values() for name in found}))
    courses = {
        metric: [Mark(number, "", "", found[metric]) for number, found in numbers.items() if metric in found]
        for metric in metrics
    }
    chosen = [scored[number] for number in stretches.sampled(courses, query.limit)]
    return Sample(
        variants=tuple(
            SampledVariant(
                number=kept.number,
                variant_id=kept.id,
                label=variants.label(copy, kept),
                value=kept.value,
                metrics=numbers[kept.number],
            )
            for kept in chosen
        ),
        metrics=metrics,
        total=len(scored),
    )


def _mark(copy: Copy, kept: KeptVariant, metric: str | None) -> Mark | None:
    """A variant on the course; one that succeeded without this metric is not on it."""
    value = _value(kept, metric)
    if value is None and metric is not None and kept.status is VariantStatus.SUCCESS:
        return None
    return Mark(kept.number, kept.id, variants.label(copy, kept), value, kept.status.value)


def _value(kept: KeptVariant, metric: str | None) -> float | None:
    return kept.value if metric is None else _numbers(kept).get(metric)


def _numbers(kept: KeptVariant) -> dict[str, float]:
    if kept.status is not VariantStatus.SUCCESS:
        return {}
    measured = kept.record.evaluation or {}
    return {name: value for name, each in measured.items() if (value := stretches.number_in(each)) is not None}


def _improvements(copy: Copy, ended: Iterable[KeptVariant]) -> Iterable[Improvement]:
    """The records in the order in which variants succeeded."""
    sign, best = 1 if variants.is_minimised(copy) else -1, None
    for kept in sorted(ended, key=lambda each: (copy.successes.get(each.id, 0), each.number)):
        if kept.value is None or (best is not None and sign * kept.value >= sign * best):
            continue
        record = kept.record
        yield Improvement(
            number=kept.number,
            variant_id=kept.id,
            label=variants.label(copy, kept),
            value=kept.value,
            before=best,
            at=record.completed_at or record.started_at,
        )
        best = kept.value


def _point(mark: Mark) -> CoursePoint:
    return CoursePoint(
        number=mark.number, variant_id=mark.variant_id, label=mark.label, value=mark.value, status=mark.status
    )
