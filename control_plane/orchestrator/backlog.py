"""What waits for each of the five decisions, as whoever takes it by hand wants to know."""

from typing import Any

from control_plane.db.transaction import Tx
from control_plane.orchestrator import rules
from control_plane.orchestrator.decisions import METRICS_LIMIT, OF_METRICS, POLICY_FAULTS, view
from control_plane.orchestrator.ports import Wings
from store_client.wire.decisions import Backlog, ToEvaluate, ToIntegrate
from store_client.wire.experiments import Status

TOLD = 20
"""So many of each are told; what is dispatched makes room for the next."""


def read(tx: Tx, wings: Wings) -> Backlog:
    """The backlog of one experiment; after its end nothing is left but integration."""
    config, store = tx.experiment["config"], wings.dispatch
    integrable = tuple(ToIntegrate(variant=one.variant, slug=one.slug) for one in store.integrable(tx, TOLD))
    if Status(tx.experiment["status"]).is_final:
        return Backlog(to_integrate=integrable)
    count = store.ideations(tx)
    reason, fault = _ending(tx, wings, config.get("termination_policy"))
    left = rules.variants_left(config.get("termination_policy"), store.attempted(tx), store.executing(tx))
    evaluable = store.evaluable(tx, TOLD)
    return Backlog(
        end_reason=reason,
        policy_fault=fault,
        ideations_missing=rules.ideation_shortfall(config.get("ideation_policy"), count.pending, count.total),
        ideations=count.total,
        room=rules.execution_room(int(config["parallel_variants"]), store.in_flight(tx), left),
        ideas=tuple(store.ready_ideas(tx, TOLD)),
        to_evaluate=tuple(ToEvaluate(variant=one.variant, attempts=one.evaluation_attempts) for one in evaluable),
        to_integrate=integrable,
    )


def _ending(tx: Tx, wings: Wings, policy: dict[str, Any] | None) -> tuple[str | None, str | None]:
    """Why the policy would end the experiment now, or why nobody can say."""
    if policy is None:
        return None, None
    window = METRICS_LIMIT if policy["kind"] in OF_METRICS else 0
    try:
        return rules.termination(policy, view(tx, wings, window)), None
    except POLICY_FAULTS as error:
        return None, str(error)
