"""The policy of the queue."""

from store_client.resources.resource import Resource
from store_client.wire.calls import policy as calls
from store_client.wire.policy import (
    ExperimentShare,
    OperatorShare,
    QueuePolicy,
    SetExperimentShare,
    SetOperatorShare,
    SetPolicy,
    Shares,
)


class QueuePolicies(Resource):
    """Calls about who goes first, and what experiments and operators may have."""

    async def read_policy(self) -> QueuePolicy:
        answer: QueuePolicy = await self._send(calls.READ_POLICY)
        return answer

    async def set_policy(self, body: SetPolicy) -> QueuePolicy:
        """Change what the body names; the rest stays."""
        answer: QueuePolicy = await self._send(calls.SET_POLICY, body)
        return answer

    async def read_shares(self) -> Shares:
        answer: Shares = await self._send(calls.READ_SHARES)
        return answer

    async def set_experiment_share(self, experiment_id: str, body: SetExperimentShare) -> ExperimentShare:
        """Replace an experiment's weight and quotas."""
        answer: ExperimentShare = await self._send(calls.SET_EXPERIMENT_SHARE, body, of=experiment_id)
        return answer

    async def set_operator_share(self, operator_id: str, body: SetOperatorShare) -> OperatorShare:
        """Replace an operator's quotas."""
        answer: OperatorShare = await self._send(calls.SET_OPERATOR_SHARE, body, of=operator_id)
        return answer
