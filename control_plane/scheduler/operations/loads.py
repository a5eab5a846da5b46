"""What each experiment has of the queue at the moment."""

from collections import Counter
from heapq import nlargest

from sqlalchemy import select

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.scheduler.rules.accounts import Amounts, parts_of, worth_of
from control_plane.scheduler.rules.board import Situation
from store_client.wire.scheduler import ExperimentLoad

MOST = 12


def heaviest(tx: Tx, situation: Situation) -> tuple[ExperimentLoad, ...]:
    """The experiments that run or wait, those that hold most first."""
    held, waiting = _held(situation), Counter[str]()
    for key, line in situation.lines.items():
        waiting[key.experiment_id] += len(line)

    def weight_of(of: str) -> tuple[float, int, int]:
        amounts = held.get(of, Amounts())
        return amounts.gpus, amounts.cpus, waiting[of]

    chosen = nlargest(MOST, held.keys() | waiting.keys(), key=weight_of)
    query = select(experiments.c.experiment_id, experiments.c.name, experiments.c.slug)
    found = tx.connection.execute(query.where(experiments.c.experiment_id.in_(chosen)))
    names = {row.experiment_id: row for row in found}
    return tuple(
        ExperimentLoad(
            experiment_id=of,
            name=names[of].name,
            slug=names[of].slug,
            running=held.get(of, Amounts()).jobs,
            waiting=waiting[of],
            gpus=round(held.get(of, Amounts()).gpus, 3),
            cpus=held.get(of, Amounts()).cpus,
            weight=situation.policy.weights.get(of, 1.0),
            used_seconds=round(situation.usage.get(of, 0.0), 3),
        )
        for of in chosen
        if of in names
    )


def _held(situation: Situation) -> dict[str, Amounts]:
    """What each experiment holds now."""
    parts, held = parts_of(situation.slots), dict[str, Amounts]()
    for attempt in situation.running:
        held[attempt.experiment_id] = held.get(attempt.experiment_id, Amounts()) + worth_of(attempt.grants, parts)
    return held
