"""A situation after a change: what was proposed is tried by the placement itself."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import inf

from control_plane.scheduler.rules.board import Policy, Quota, Situation, Waiting
from control_plane.scheduler.rules.lines import key_of, place_of
from store_client.wire.scheduler import JobChange


def changed(situation: Situation, job: Waiting, change: JobChange) -> tuple[Situation, Waiting]:
    """The situation after a change for a waiting job, and the job in it."""
    match change.kind:
        case "priority":
            return _moved(situation, job, replace(job, priority=change.priority or 0))
        case "front":
            return _moved(situation, job, replace(job, rank=front_rank(situation, job)))
        case (
            "fewer_gpus" | "share" | "any_gpu" | "whole_gpu" | "gpu_memory" | "fewer_cpus" | "no_gpu" | "what_there_is"
        ):
            assert change.resources is not None  # noqa: S101 - these kinds name what to ask for
            again = replace(job, resources=change.resources, rank=inf, queued_at=situation.now)
            return _moved(situation, job, again)
        case "quota":
            return replace(situation, policy=_raised(situation.policy, change)), job
        case "end_job":
            return _without(situation, change.job.job_id if change.job is not None else ""), job
        case "readmit_gpu":
            slots = [
                replace(slot, state="usable") if slot.slot_id == change.slot_id else slot for slot in situation.slots
            ]
            return replace(situation, slots=slots), job


def front_rank(situation: Situation, job: Waiting) -> float:
    """A rank before that of all waiting jobs of the same priority."""
    heads = (line[0].rank for key, line in situation.lines.items() if key.priority == job.priority and len(line))
    return min(heads, default=job.rank) - 1


def _moved(situation: Situation, job: Waiting, after: Waiting) -> tuple[Situation, Waiting]:
    lines = dict(situation.lines)
    lines[key_of(job)] = without_job(lines[key_of(job)], job)
    line = lines.get(key_of(after), ())
    at = bisect_left(line, place_of(after), key=place_of)
    lines[key_of(after)] = [*line[:at], after, *line[at:]]
    return replace(situation, lines={key: line for key, line in lines.items() if len(line)}), after


def without_job(line: Sequence[Waiting], job: Waiting) -> list[Waiting]:
    """A line without one of its jobs."""
    at = bisect_left(line, place_of(job), key=place_of)
    return [*line[:at], *(one for one in line[at : at + 1] if one.job_id != job.job_id), *line[at + 1 :]]


def _without(situation: Situation, job_id: str) -> Situation:
    """The same without a job, running or waiting."""
    running = [one for one in situation.running if one.job_id != job_id]
    if len(running) < len(situation.running):
        return replace(situation, running=running)
    found = next((one for one in chain.from_iterable(situation.lines.values()) if one.job_id == job_id), None)
    if found is None:
        return situation
    lines = {**situation.lines, key_of(found): without_job(situation.lines[key_of(found)], found)}
    return replace(situation, lines={key: line for key, line in lines.items() if len(line)})


def _raised(policy: Policy, change: JobChange) -> Policy:
    name, kind, limit = change.quota_of or "", change.quota_kind or "jobs", change.quota
    if name in policy.experiment_quotas:
        return replace(policy, experiment_quotas=_with(policy.experiment_quotas, name, kind, limit))
    return replace(policy, operator_quotas=_with(policy.operator_quotas, name, kind, limit))


def _with(quotas: Mapping[str, Quota], name: str, kind: str, limit: float | None) -> dict[str, Quota]:
    quota, count = quotas[name], None if limit is None else int(limit)
    raised = {
        "gpus": replace(quota, gpus=limit), "cpus": replace(quota, cpus=count), "jobs": replace(quota, jobs=count)
    }  # fmt: skip
    return {**quotas, name: raised[kind]}
