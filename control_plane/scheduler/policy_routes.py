"""The calls about the policy of the queue and the operation behind each."""

from control_plane.edge.endpoint import Operation
from control_plane.scheduler.operations import policy
from store_client.wire.call import Call
from store_client.wire.calls import policy as calls


def table() -> dict[Call, Operation]:
    return {
        calls.READ_POLICY: policy.show,
        calls.SET_POLICY: policy.change,
        calls.READ_SHARES: policy.show_shares,
        calls.SET_EXPERIMENT_SHARE: policy.set_experiment_share,
        calls.SET_OPERATOR_SHARE: policy.set_operator_share,
    }
