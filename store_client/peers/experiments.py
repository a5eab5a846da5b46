"""An experiment of a peer: what its server tells, with what a config given here says about the rest."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from store_client.errors import NotOffered, Refused
from store_client.peers import variants
from store_client.peers.copy import Copy
from store_client.peers.kept import slug_of
from store_client.peers.peer import Peer
from store_client.wire.calls import experiments as calls
from store_client.wire.calls.control import LIST_REGISTRY
from store_client.wire.experiments import (
    COMMAND_KEYS,
    AutomationMode,
    Counts,
    DispatchMode,
    EndExperiment,
    Experiment,
    ExperimentDetail,
    ExperimentLine,
    ExperimentPage,
    ExperimentSummary,
    Objective,
    Status,
    Terminate,
)
from store_client.wire.leases import RegistryEntryList
from store_client.wire.objective import metric_of
from store_client.wire.variants import VariantStatus

UNTOLD = Objective(expr="not told by this server", direction="maximize")
FAILED = (VariantStatus.ERROR, VariantStatus.EVALUATION_ERROR)


async def read(peer: Peer) -> ExperimentDetail:
    """The experiment; a config given to the transport fills in what no call of the protocol tells."""
    experiment: Experiment = await peer.send(calls.READ_EXPERIMENT)
    copy = await peer.copy()
    config, ending = dict(copy.config), copy.ending
    return ExperimentDetail(
        **_summary(experiment, copy).model_dump(),
        base_commit_sha=experiment.base_commit_sha,
        config=config,
        dispatch_mode=await _dispatch_mode(peer, copy),
        parallel_variants=config.get("parallel_variants", 1),
        evaluation_schema=config.get("evaluation_schema", {}),
        commands={role: str(config[key]) for role, key in COMMAND_KEYS.items() if config.get(key)},
        ended_at=ending.occurred_at if ending else None,
        end_reason=str(ending.data.get("reason", "")) if ending else None,
    )


async def list_summaries(peer: Peer) -> tuple[ExperimentSummary, ...]:
    """The registered experiments, and those that a config was given for, which the caller may read; newest first."""
    query = peer.query
    assert isinstance(query, calls.ExperimentFilter)  # noqa: S101 - the table of calls says so
    wanted = query.wanted_ids
    known = [one for one in await _known(peer) if wanted is None or one in wanted]
    found = [await _summary_of(peer, experiment_id) for experiment_id in known]
    summaries = [each for each in found if each and query.status in {None, each.status}]
    chosen = [each for each in summaries if query.slug in {None, each.slug}]
    return tuple(sorted(chosen, key=lambda each: each.created_at, reverse=True))


async def list_page(peer: Peer) -> ExperimentPage:
    """All of them that the filters admit, on one page; whether they wait for a person nobody can say."""
    query = peer.query
    assert isinstance(query, calls.ExperimentPageQuery)  # noqa: S101 - the table of calls says so
    found = [await _summary_of(peer, experiment_id) for experiment_id in await _known(peer)]
    every = [ExperimentLine(**each.model_dump()) for each in found if each]
    chosen = [one for one in every if _is_wanted(query, one)]
    chosen.sort(key=lambda one: one.created_at, reverse=True)
    chosen.sort(key=lambda one: one.status.is_final)
    return ExperimentPage(items=tuple(chosen), total=len(chosen), by_status=Counter(one.status.value for one in every))


def _is_wanted(query: calls.ExperimentPageQuery, one: ExperimentLine) -> bool:
    called = f"{one.name} {one.slug} {one.experiment_id}".lower()
    is_named = all(word in called for word in (query.q or "").lower().split())
    return is_named and query.status in {None, one.status} and not query.needs


async def end(peer: Peer) -> ExperimentSummary:
    """The protocol knows one end."""
    body = peer.body
    assert isinstance(body, EndExperiment)  # noqa: S101 - the table of calls says so
    if body.outcome != "completed":
        raise NotOffered(f"this server ends experiments, but cannot call them {body.outcome}")
    experiment: Experiment = await peer.send(calls.TERMINATE_EXPERIMENT, Terminate(reason=body.reason))
    return _summary(experiment, await peer.copy())


async def _known(peer: Peer) -> list[str]:
    try:
        registered: RegistryEntryList = await peer.send(LIST_REGISTRY)
    except Refused:
        return list(peer.copies.configs)
    return list(dict.fromkeys([*(entry.experiment_id for entry in registered.experiments), *peer.copies.configs]))


async def _summary_of(peer: Peer, experiment_id: str) -> ExperimentSummary | None:
    try:
        experiment = await peer.send(calls.READ_EXPERIMENT, experiment_id=experiment_id)
        copy = peer.copies.of(experiment_id)
        await copy.refresh(lambda call, **rest: peer.send(call, **{"experiment_id": experiment_id, **rest}))
    except Refused:
        return None
    return _summary(experiment, copy)


def _summary(experiment: Experiment, copy: Copy) -> ExperimentSummary:
    told = copy.config.get("objective")
    objective = Objective.model_validate(told) if told else UNTOLD
    best = variants.best(copy)
    baseline = next((each.value for each in copy.variants.values() if each.is_baseline), None)
    id_ = experiment.experiment_id
    name = experiment.name or id_
    return ExperimentSummary(
        experiment_id=id_,
        slug=f"{slug_of(name)[:150] or 'experiment'}-{id_[-4:]}",
        name=name,
        status=Status.RUNNING if experiment.state == "running" else Status.COMPLETED,
        objective=objective,
        metric=metric_of(objective.expr) if told else None,
        baseline=baseline,
        best=best.value if best else None,
        best_variant_id=best.id if best else None,
        counts=_counts(copy),
        automation=AutomationMode(),
        created_at=experiment.created_at,
        updated_at=copy.tail[-1].occurred_at if copy.tail else experiment.created_at,
    )


def _counts(copy: Copy) -> Counts:
    by_status = Counter(variant.status for variant in copy.variants.values())
    return Counts(
        ideas=len(copy.ideas),
        variants=len(copy.variants),
        evaluated=by_status[VariantStatus.SUCCESS],
        integrated=sum(variant.is_integrated for variant in copy.variants.values()),
        failed=sum(by_status[status] for status in FAILED),
        starting=by_status[VariantStatus.STARTING],
        tasks=Counter(f"{task.kind}.{task.state}" for task in copy.tasks.values() if task.state.is_live),
    )


async def _dispatch_mode(peer: Peer, copy: Copy) -> DispatchMode:
    """As the server says, where it offers to; else as the last change said, or the config."""
    try:
        mode: DispatchMode = await peer.send(calls.READ_DISPATCH_MODE)
    except Refused:
        told: Mapping[str, Any] = copy.dispatch_mode or copy.config.get("dispatch_mode") or {}
        return DispatchMode.model_validate(dict(told))
    return mode
