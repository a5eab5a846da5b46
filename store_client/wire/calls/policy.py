"""Calls about the policy of the queue."""

from store_client.wire.call import Call, Who
from store_client.wire.policy import (
    ExperimentShare,
    OperatorShare,
    QueuePolicy,
    SetExperimentShare,
    SetOperatorShare,
    SetPolicy,
    Shares,
)

P = "/api/scheduler/policy"
S = "/api/scheduler/shares"

READ_POLICY = Call("read_policy", "GET", P, Who.EITHER, "Who goes first in the queue", answer=QueuePolicy)
SET_POLICY = Call(
    "set_policy", "PUT", P, Who.ADMIN_OR_ADMINS, "Change who goes first in the queue", body=SetPolicy,
    answer=QueuePolicy, is_safe_to_repeat=True,
)  # fmt: skip
READ_SHARES = Call(
    "read_shares", "GET", S, Who.EITHER, "What experiments and operators may have, and what experiments used",
    answer=Shares,
)  # fmt: skip
SET_EXPERIMENT_SHARE = Call(
    "set_experiment_share", "PUT", S + "/experiments/{of}", Who.ADMIN_OR_ADMINS,
    "Give an experiment its weight and quotas", body=SetExperimentShare, answer=ExperimentShare, is_safe_to_repeat=True,
)  # fmt: skip
SET_OPERATOR_SHARE = Call(
    "set_operator_share", "PUT", S + "/operators/{of}", Who.ADMIN_OR_ADMINS, "Give an operator quotas",
    body=SetOperatorShare, answer=OperatorShare, is_safe_to_repeat=True,
)  # fmt: skip

CALLS = (READ_POLICY, SET_POLICY, READ_SHARES, SET_EXPERIMENT_SHARE, SET_OPERATOR_SHARE)
