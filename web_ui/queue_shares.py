"""What each experiment has of the queue now, beside the part that is its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from store_client import ExperimentLoad, QueueSummary
from web_ui.filters import plural
from web_ui.listing import Place


@dataclass(frozen=True)
class ShareRow:
    """One experiment: `part` is what it holds of all slots."""

    experiment_id: str
    name: str
    href: str
    is_chosen: bool
    part: float
    words: str
    note: str


def share_rows(
    place: Place, loads: Sequence[ExperimentLoad], summary: QueueSummary, chosen_id: str | None
) -> tuple[ShareRow, ...]:
    """The experiments that run or wait; each leads to its jobs alone, and the chosen one back to all."""
    is_of_gpus = summary.unit == "GPUs"
    used = sum(one.used_seconds for one in loads)
    return tuple(_row(place, one, summary.slots_total if is_of_gpus else 0, (chosen_id, used)) for one in loads)


def _row(place: Place, one: ExperimentLoad, gpus: int, beside: tuple[str | None, float]) -> ShareRow:
    chosen_id, used = beside
    is_chosen = one.experiment_id == chosen_id
    return ShareRow(
        experiment_id=one.experiment_id,
        name=one.name,
        href=place.having(experiment=None if is_chosen else one.slug),
        is_chosen=is_chosen,
        part=one.gpus / gpus if gpus else 0.0,
        words=_held(one),
        note=" · ".join(_notes(one, used)),
    )


def _held(one: ExperimentLoad) -> str:
    if not one.running:
        return "nothing"
    gpus = f"{one.gpus:g} GPU{'' if one.gpus == 1 else 's'}" if one.gpus else ""
    return " · ".join(part for part in (gpus, plural(one.cpus, "CPU") if one.cpus else "") if part)


def _notes(one: ExperimentLoad, used: float) -> list[str]:
    notes = [f"{one.running:,} {'runs' if one.running == 1 else 'run'}"] if one.running else []
    notes += [f"{one.waiting:,} {'waits' if one.waiting == 1 else 'wait'}"] if one.waiting else []
    notes += [f"had {100 * one.used_seconds / used:.0f} % lately"] if used and one.used_seconds else []
    notes += [f"weight {one.weight:g}"] if one.weight != 1 else []
    return notes
