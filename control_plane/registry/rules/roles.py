"""A person's role in the deployment, as its row has it and as it is told."""

from store_client.wire.workers import ExperimentRole, OperatorRole


def stored(role: OperatorRole) -> tuple[ExperimentRole, bool]:
    """A role in the deployment as its row has it: the role, and whether they are confined to their experiments."""
    return ("viewer", True) if role == "member" else (role, False)


def told(role: ExperimentRole, *, is_confined: bool) -> OperatorRole:
    """A row's role as it is told."""
    return "member" if is_confined else role
