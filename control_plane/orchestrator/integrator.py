"""Decision 4: a successful variant becomes one canonical commit, its field and its event: all three or none.

The commit is written first, then its ref by compare-and-swap, then the store is told. When the store refuses, the ref
goes again; when its answer is unknown, the ref stays and the next round finds out (the commit is the same each time).
"""

import logging

from control_plane.orchestrator.decisions import Desk
from control_plane.orchestrator.ports import Integrable
from store_client.errors import Refused, Unreachable
from store_client.wire.variants import IntegrateVariant

logger = logging.getLogger(__name__)


def integrate_all(desk: Desk, refused: set[str]) -> int:
    """Integrate every variant that waits; `refused` remembers those that git will not take, which are told once."""
    waiting = [one for one in desk.read(desk.wings.dispatch.integrable) if one.variant.variant_id not in refused]
    for one in waiting:
        _integrate(desk, one, refused)
    return len(waiting)


def _integrate(desk: Desk, one: Integrable, refused: set[str]) -> None:
    variant, repository = one.variant, desk.wings.repository
    try:
        branch, commit = repository.integrate(desk.experiment_id, variant, one.slug)
    except Refused as error:
        refused.add(variant.variant_id)
        logger.warning("variant %s cannot be integrated: %s", variant.variant_id, error)
        return
    body = IntegrateVariant(variant_commit_sha=commit)
    try:
        desk.write(lambda tx: desk.wings.variants.integrate(tx, variant.variant_id, body))
    except Unreachable:
        logger.warning("variant %s: whether its integration was recorded is unknown; asked again", variant.variant_id)
    except Refused as error:
        logger.warning("variant %s: the store refused its integration: %s", variant.variant_id, error)
        if desk.read(lambda tx: desk.wings.variants.read(tx, variant.variant_id)).variant_commit_sha != commit:
            repository.withdraw(desk.experiment_id, branch, commit)
