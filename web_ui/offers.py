"""What stands behind a console: our own control plane, or a server that speaks the protocol alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Posture = Literal["A", "B", "C", "D"]
"""Where credentials come from: one that was given; made when needed; kept from before; nowhere."""


@dataclass(frozen=True)
class Offers:
    """What pages may ask for beyond the protocol, and what its operator brought along."""

    is_ours: bool = True
    """Whether there are a queue, automation, pausing and everything else of our own calls."""
    has_repository: bool = True
    """Whether commits can be looked at."""


REGISTRY = "a registry of the deployment"
BEYOND: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("queue", "job", "job_log", "experiment_jobs"), "a job queue"),
        **dict.fromkeys(("cancel_job", "retry_job", "reprioritise_job", "move_job", "run_on_queue"), "a job queue"),
        **dict.fromkeys(("preview_cancel", "cancel_several", "undo_cancel", "cancel_array"), "a job queue"),
        **dict.fromkeys(("gpus", "quarantine_gpu", "drain_gpu", "readmit_gpu"), "GPUs of a queue"),
        **dict.fromkeys(("pause", "resume"), "pausing"),
        "automation": "automatic roles to switch",
        "search": "a search",
        **dict.fromkeys(("bulk_preview", "begin_bulk", "bulk_acts", "bulk_act", "undo_bulk"), "acts on many tasks"),
        **dict.fromkeys(("views", "save_view", "save_job_view", "change_view", "delete_view"), "saved views"),
        **dict.fromkeys(("all_work", "forget_draft", "choose_parents", "build_on"), "drafts"),
        **dict.fromkeys(("lineage", "lineage_data"), "the graph of variants"),
        **dict.fromkeys(("events", "event", "all_events", "one_of_all_events"), "a log to search"),
        "extend": "claims that can be extended",
        **dict.fromkeys(("git_password", "evaluation_password"), "passwords for git"),
        **dict.fromkeys(("account", "change_password", "end_sessions", "end_session"), "accounts"),
        **dict.fromkeys(("linking", "set_out_to_link", "link_provider", "unlink_provider"), "accounts"),
        **dict.fromkeys(("operators", "invite", "revoke_invitation", "operator", "change_operator"), "accounts"),
        **dict.fromkeys(("grant_role", "withdraw_role", "reset_password", "disable_operator"), "accounts"),
        **dict.fromkeys(("enable_operator", "revoke_sessions", "revoke_session"), "accounts"),
        **dict.fromkeys(("checkpoints", "save_checkpoint", "fetch_checkpoint"), "checkpoints to look at"),
        **dict.fromkeys(("import_checkpoint", "delete_checkpoint"), "checkpoints to look at"),
        **dict.fromkeys(("settings", "tell_experiment", "check_config", "save_config"), "settings to change"),
        **dict.fromkeys(("experiments", "new_experiment", "source", "clone_experiment"), "experiments to make"),
        **dict.fromkeys(("upload_source", "fetch_source", "create_experiment", "drop_source"), "experiments to make"),
        **dict.fromkeys(("end_by_name", "archive", "unarchive"), "settings to change"),
        **dict.fromkeys(("disable_worker", "enable_worker"), "workers that can be disabled"),
        **dict.fromkeys(("deployment_workers", "deployment_token", "deployment_register_worker"), REGISTRY),
        **dict.fromkeys(("deployment_reissue", "deployment_disable_worker"), REGISTRY),
        **dict.fromkeys(("deployment_enable_worker", "deployment_groups", "deployment_group"), REGISTRY),
        **dict.fromkeys(("deployment_create_group", "deployment_add_member"), REGISTRY),
        **dict.fromkeys(("deployment_remove_member", "deployment_delete_group"), REGISTRY),
        **dict.fromkeys(("refs", "preview_refs", "remove_refs", "restore_refs"), "branches to clean up"),
        "files": "files to list",
        **dict.fromkeys(("leases", "end_lease", "forget_registration"), "leases to look at"),
    }
)
"""The routes that need our own calls, each with the words for what other servers do not have."""
