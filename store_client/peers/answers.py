"""Which of our own calls a peer's clients can ask all the same, and by what."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from store_client.errors import NotOffered
from store_client.peers import boards, courses, events, experiments, groups, ideas, stages, tasks, variants, workers
from store_client.peers.peer import Peer
from store_client.wire.call import Call
from store_client.wire.calls import artifacts as artifact_calls
from store_client.wire.calls import checkpoints as checkpoint_calls
from store_client.wire.calls import workers as worker_calls

SAME: Mapping[str, Call] = {
    "read_artifact": artifact_calls.FETCH_ARTIFACT,
    "save_checkpoint": checkpoint_calls.EXPORT_CHECKPOINT,
    "load_checkpoint": checkpoint_calls.IMPORT_CHECKPOINT,
    "register_experiment_worker": worker_calls.REGISTER_WORKER,
    "read_experiment_worker": worker_calls.READ_WORKER,
    "reissue_experiment_credential": worker_calls.REISSUE_CREDENTIAL,
    "register_experiment_group": worker_calls.REGISTER_GROUP,
    "list_experiment_groups": worker_calls.LIST_GROUPS,
    "read_experiment_group": worker_calls.READ_GROUP,
    "add_to_experiment_group": worker_calls.ADD_TO_GROUP,
    "remove_from_experiment_group": worker_calls.REMOVE_FROM_GROUP,
    "delete_experiment_group": worker_calls.DELETE_GROUP,
}
"""Calls that the protocol has under another name, with its own gates."""

ANSWERS: Mapping[str, Callable[[Peer], Awaitable[Any]]] = {
    "list_task_page": tasks.list_page,
    "read_task_detail": tasks.read,
    "read_stages": stages.read,
    "renew_claim": tasks.renew,
    "release_claim": tasks.release,
    "list_idea_page": ideas.list_page,
    "read_idea_detail": ideas.read,
    "list_variant_page": variants.list_page,
    "read_variant_detail": variants.read,
    "read_progress": variants.progress,
    "read_course": courses.read,
    "read_sample": courses.sample,
    "list_leaderboard": boards.list_page,
    "read_experiment_detail": experiments.read,
    "list_experiment_summaries": experiments.list_summaries,
    "list_experiment_page": experiments.list_page,
    "end_experiment": experiments.end,
    "read_log": events.read_log,
    "list_worker_details": workers.list_details,
    "list_group_details": groups.list_details,
    "read_group_detail": groups.read_detail,
}
"""Calls that take several of the protocol's."""


def answer_of(call: Call) -> Callable[[Peer], Awaitable[Any]]:
    """How a call of ours is answered on a peer; NotOffered when the protocol has no means for it."""
    if call.name not in ANSWERS:
        raise NotOffered(f"this server speaks the protocol alone: it has no {call.name.replace('_', ' ')}")
    return ANSWERS[call.name]
