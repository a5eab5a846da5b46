"""Decision 4: a successful variant becomes one canonical commit, its field and its event: all three or none.

The commit is written first, then its ref by compare-and-swap, then the store is told. When the store refuses, the ref
goes again; when its answer is unknown, the ref stays and the next round finds out (the commit is the same each time).
"""

import logging

from control_plane.orchestrator.decisions import Desk
from control_plane.orchestrator.ports import Integrable, Orphan
from store_client.errors import NotFound, Refused, SwitchyardError, Unreachable
from store_client.wire.variants import IntegrateVariant, Variant, VariantStatus

logger = logging.getLogger(__name__)
AT_ONCE = 100


def integrate_all(desk: Desk) -> int:
    """Integrate every variant that waits; how many there were, save those that git will not take."""
    limit = AT_ONCE + len(desk.memory.resting)
    found = desk.read(lambda tx: desk.wings.dispatch.integrable(tx, limit))
    waiting = [one for one in found if not desk.memory.rests(one.variant.variant_id)]
    for one in waiting:
        _integrate(desk, one)
    return len(waiting)


def _integrate(desk: Desk, one: Integrable) -> None:
    variant_id = one.variant.variant_id
    try:
        branch, commit = desk.wings.repository.integrate(desk.experiment_id, one.variant, one.slug)
    except Refused as error:
        desk.memory.forget_for_good(variant_id)
        logger.warning("variant %s cannot be integrated: %s", variant_id, error)
    except Unreachable as error:
        desk.memory.rest(variant_id)
        logger.warning("variant %s could not be integrated now: %s", variant_id, error)
    else:
        _record(desk, variant_id, branch, commit)


def _record(desk: Desk, variant_id: str, branch: str, commit: str) -> None:
    body = IntegrateVariant(variant_commit_sha=commit)
    try:
        desk.write(lambda tx: desk.wings.variants.integrate(tx, variant_id, body))
    except Unreachable:
        logger.warning("variant %s: whether its integration was recorded is unknown; asked again", variant_id)
    except Refused as error:
        desk.memory.rest(variant_id)
        logger.warning("variant %s: the store refused its integration: %s", variant_id, error)
        if desk.read(lambda tx: desk.wings.variants.read(tx, variant_id)).variant_commit_sha != commit:
            desk.wings.repository.withdraw(desk.experiment_id, branch, commit)


def sweep(desk: Desk) -> None:
    """See to branches that were published and never recorded: those that never will be are taken back."""
    try:
        known = desk.read(desk.wings.dispatch.integrated_commits)
        for orphan in desk.wings.repository.orphans(desk.experiment_id, known):
            if not _may_be_recorded(_find(desk, orphan.variant_id), orphan):
                logger.warning("branch %s belongs to no integrated variant; it is taken back", orphan.branch)
                desk.wings.repository.withdraw(desk.experiment_id, orphan.branch, orphan.commit)
    except SwitchyardError as error:
        logger.warning("%s: its branches could not be looked through: %s", desk.experiment_id, error)


def _find(desk: Desk, variant_id: str) -> Variant | None:
    try:
        return desk.read(lambda tx: desk.wings.variants.read(tx, variant_id))
    except NotFound:
        return None


def _may_be_recorded(variant: Variant | None, orphan: Orphan) -> bool:
    """Whether the branch's variant waits for its integration, or has got it meanwhile."""
    if variant is None or variant.status is not VariantStatus.SUCCESS:
        return False
    return variant.variant_commit_sha in {None, orphan.commit}
