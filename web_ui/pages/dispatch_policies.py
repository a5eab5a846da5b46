"""What an experiment's policies say, in words, and what it says of each decision now."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from store_client import Backlog
from web_ui.failures import sentence
from web_ui.filters import plural

Policy = Mapping[str, Any]
NO_LIMIT: Policy = MappingProxyType({"kind": "maintain_pending", "target": 3})


def ideation(config: Mapping[str, Any], backlog: Backlog) -> str:
    """What the ideation policy wants, and how much of it is missing."""
    policy = config.get("ideation_policy") or NO_LIMIT
    if policy["kind"] == "fixed_total":
        wanted = f"The policy wants {plural(policy['total'], 'ideation task')} in all"
    else:
        limit = policy.get("max_total")
        most = f", {limit:,} in all at most" if limit is not None else ""
        wanted = f"The policy keeps {plural(policy.get('target', 3), 'ideation task')} waiting{most}"
    missing = backlog.ideations_missing
    return f"{wanted}; there have been {backlog.ideations:,}, and {f'{missing:,}' if missing else 'none'} is missing."


def execution(config: Mapping[str, Any], backlog: Backlog) -> str:
    """How many executions may start now."""
    at_once = f"{plural(int(config['parallel_variants']), 'variant')} at once is what the config allows"
    return (
        f"{at_once}; there is room for {backlog.room:,} more." if backlog.room else f"{at_once}; there is no room now."
    )


def termination(config: Mapping[str, Any], backlog: Backlog) -> str:
    """When the experiment is to end, and whether that is now."""
    policy = config.get("termination_policy")
    if policy is None:
        return "No termination policy is configured: people alone end it."
    if backlog.policy_fault is not None:
        return f"The policy cannot be computed: {sentence(backlog.policy_fault)}"
    says = f"The policy ends it {_KINDS[policy['kind']](policy)}."
    return f"{says} It would end it now: {sentence(backlog.end_reason)}" if backlog.end_reason else f"{says} Not yet."


_KINDS: Mapping[str, Callable[[Policy], str]] = {
    "never_terminate": lambda _policy: "never",
    "max_variants": lambda policy: f"after {plural(policy['target'], 'variant')}",
    "max_wall_time": lambda policy: f"after {policy['duration']}",
    "convergence_window": lambda policy: (
        f"when {policy['metric']} has not improved over {plural(policy['window'], 'integrated variant')}"
    ),
    "target_condition": lambda policy: f"when {policy['metric']} reaches {policy['threshold']:g}",
}
