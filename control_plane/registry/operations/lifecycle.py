"""The life of an experiment: pause, resume, end, and who decides or works by hand."""

from typing import Any

from sqlalchemy import update

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.registry.operations import reading
from control_plane.registry.rules import config as configs
from control_plane.registry.rules import status as statuses
from control_plane.registry.rules.status import Act, Outcome
from store_client.errors import BadRequest, IllegalTransition, InvalidPrecondition
from store_client.wire.experiments import (
    AutomationMode,
    ChangeAutomation,
    ChangeDispatchMode,
    DispatchMode,
    EndExperiment,
    Experiment,
    ExperimentSummary,
    PolicyError,
    Status,
    Terminate,
)

MAX_UNKNOWN_KEYS = 50


def pause(tx: Tx) -> ExperimentSummary:
    """Nothing new is created or claimed from now on; a second pause changes nothing."""
    if tx.status is not Status.PAUSED:
        _step(tx, "pause")
    return reading.read_summary(tx)


def resume(tx: Tx) -> ExperimentSummary:
    """Go on after a pause, or start a draft; resuming what runs changes nothing."""
    if tx.status is not Status.RUNNING:
        _step(tx, "start" if tx.status is Status.DRAFT else "resume")
    return reading.read_summary(tx)


def end(tx: Tx, body: EndExperiment) -> ExperimentSummary:
    """End with an outcome; ending again with the same outcome changes nothing."""
    if tx.status.value != body.outcome:
        _end(tx, body.outcome, body.reason)
    return reading.read_summary(tx)


def archive(tx: Tx) -> ExperimentSummary:
    """Have lists leave an ended experiment out; nothing of it goes away."""
    if not tx.status.is_final:
        raise IllegalTransition(f"only an experiment that has ended is archived; this one is {tx.status}")
    if tx.experiment["archived_at"] is None:
        save(tx, archived_at=tx.now)
        tx.tell("experiment.archived", by=tx.caller.worker_id)
    return reading.read_summary(tx)


def unarchive(tx: Tx) -> ExperimentSummary:
    """Have it in lists again."""
    if tx.experiment["archived_at"] is not None:
        save(tx, archived_at=None)
        tx.tell("experiment.unarchived", by=tx.caller.worker_id)
    return reading.read_summary(tx)


def terminate(tx: Tx, body: Terminate) -> Experiment:
    """The protocol's end: completed the first time, nothing at all afterwards."""
    if not tx.status.is_final:
        _end(tx, "completed", body.reason)
    return reading.read_runtime(tx)


def change_dispatch_mode(tx: Tx, body: ChangeDispatchMode) -> DispatchMode:
    """Merge a partial dispatch mode; tells once, and only of what really changed."""
    wanted = {**body.model_dump(exclude_none=True), **(body.model_extra or {})}
    odd = sorted(key for key, value in wanted.items() if not key.isprintable() or value not in ("auto", "manual"))
    if odd or len(wanted) > MAX_UNKNOWN_KEYS:
        look = ascii(", ".join(odd)[:200]) if odd else "the number of keys"
        raise BadRequest(f"every key is printable and every value auto or manual; look at {look}")
    before: dict[str, Any] = reading.read_dispatch_mode(tx).to_wire()
    changed = {key: value for key, value in wanted.items() if before.get(key) != value}
    if changed:
        mode = {**before, **changed}
        save(tx, dispatch_mode=mode)
        tx.tell("experiment.dispatch_mode_changed", dispatch_mode=mode, changed=changed, updated_by=tx.caller.worker_id)
    return reading.read_dispatch_mode(tx)


def change_automation(tx: Tx, body: ChangeAutomation) -> AutomationMode:
    """Give roles to automatic workers or to people; a role without a command stays with people."""
    before = AutomationMode.model_validate(tx.experiment["automation"])
    mode = before.having(**body.to_wire())
    fault = configs.fault_of_automation(mode, tx.experiment["config"])
    if fault:
        raise InvalidPrecondition(fault)
    if mode != before:
        save(tx, automation=mode.to_wire())
        tx.tell("experiment.automation_changed", automation=mode.to_wire(), updated_by=tx.caller.worker_id)
    return mode


def report_policy_error(tx: Tx, body: PolicyError) -> None:
    """Keep a policy's failure in the log."""
    tx.tell("experiment.policy_error", **body.to_wire())


def _end(tx: Tx, outcome: Outcome, reason: str) -> None:
    if tx.status is Status.DRAFT:
        _step(tx, "start")  # a draft reads as running on the protocol's wire, so it can be ended; it passes through
    act = statuses.ENDS[outcome]
    _step(tx, act, outcome=outcome, reason=reason)
    save(tx, ended_at=tx.now, end_reason=reason)
    tx.tell("experiment.terminated", reason=reason, terminated_by=tx.caller.worker_id)


def _step(tx: Tx, act: Act, **data: Any) -> None:
    save(tx, status=statuses.move(tx.status, act).value)
    tx.tell(statuses.TOLD[act], by=tx.caller.worker_id, **data)


def save(tx: Tx, **values: Any) -> None:
    """Write columns of the experiment's row."""
    which = experiments.c.experiment_id == tx.experiment_id
    tx.connection.execute(update(experiments).where(which).values(**values, updated_at=tx.now))
    tx.reload()
