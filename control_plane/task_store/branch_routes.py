"""The calls about work branches: git is asked between the gate and the store, and changed where it was seen."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.task_store.operations import branches
from control_plane.task_store.ports import FoundBranch, WorkRefs
from store_client.wire.branches import BranchOutcome, BranchOutcomes, ChooseBranches, WorkBranchLine, WorkBranchPage
from store_client.wire.call import Call
from store_client.wire.calls import branches as b

CHUNK, MOST_LOOKED_AT = 500, 5000


def branch_routes(house: House, refs: WorkRefs) -> list[Route]:
    desk = _Desk(house, refs)
    acts: dict[Call, Callable[[Call, Request], Any]] = {
        b.LIST_WORK_BRANCHES: desk.list_page,
        b.REMOVE_WORK_BRANCHES: desk.remove,
        b.RESTORE_WORK_BRANCHES: desk.restore,
    }
    return [_route(call, act) for call, act in acts.items()]


def _route(call: Call, act: Callable[[Call, Request], Any]) -> Route:
    async def serve(request: Request) -> Response:
        return respond(call, await act(call, request))

    return Route(call.path, serve, methods=[call.method], name=call.name)


@dataclass(frozen=True)
class _Desk:
    house: House
    refs: WorkRefs

    async def list_page(self, call: Call, request: Request) -> WorkBranchPage:
        """Look through the branches after the last page until there are enough that stand as asked."""
        arguments = await read_arguments(request, call)
        query: b.BranchQuery = await self.house.read(prepare(self.house, call, _take_query, (request, arguments)))
        experiment_id, after = request.path_params["experiment_id"], query.after or ""
        is_aside = query.standing == "removed"
        found: list[WorkBranchLine] = []
        for _ in range(MOST_LOOKED_AT // CHUNK):
            some = await asyncio.to_thread(self.refs.listed, experiment_id, after, CHUNK, is_aside=is_aside)
            for line in await self._judged(experiment_id, some, is_aside=is_aside):
                if len(found) == query.limit:
                    return WorkBranchPage(items=tuple(found), next=after)
                found += [line] if query.standing in {None, line.standing} else []
                after = line.name
            if len(some) < CHUNK:
                return WorkBranchPage(items=tuple(found))
        return WorkBranchPage(items=tuple(found), next=after)

    async def remove(self, call: Call, request: Request) -> BranchOutcomes:
        """Put aside what nothing needs, each by its live commit, which must be the one that was seen."""
        body, experiment_id = await self._admitted(call, request), request.path_params["experiment_id"]
        seen = {one.name: one.commit_sha for one in body.branches}
        live = await asyncio.to_thread(self.refs.live, experiment_id, seen)
        told: dict[str, BranchOutcome] = {name: _left(name, live.get(name)) for name in seen}
        same = [(name, sha) for name, sha in live.items() if seen[name] == sha]
        for line in await self._judged(experiment_id, same):
            if line.standing not in {"eligible", "orphan"}:
                needed = BranchOutcome(name=line.name, outcome="needed", commit_sha=line.commit_sha, reason=line.reason)
                told[line.name] = needed
            elif await asyncio.to_thread(self.refs.remove, experiment_id, line.name, line.commit_sha):
                told[line.name] = BranchOutcome(name=line.name, outcome="removed", commit_sha=line.commit_sha)
        return await self._say(call, request, "removed", told)

    async def restore(self, call: Call, request: Request) -> BranchOutcomes:
        """Bring back what is aside, where no other branch has its name."""
        body, experiment_id = await self._admitted(call, request), request.path_params["experiment_id"]
        told: dict[str, BranchOutcome] = {}
        for one in body.branches:
            if await asyncio.to_thread(self.refs.restore, experiment_id, one.name, one.commit_sha):
                told[one.name] = BranchOutcome(name=one.name, outcome="restored", commit_sha=one.commit_sha)
            else:
                live = await asyncio.to_thread(self.refs.live, experiment_id, [one.name])
                told[one.name] = _left(one.name, live.get(one.name))
        return await self._say(call, request, "restored", told)

    async def _admitted(self, call: Call, request: Request) -> ChooseBranches:
        arguments = await read_arguments(request, call)
        body: ChooseBranches = await self.house.read(prepare(self.house, call, _take_body, (request, arguments)))
        return body

    async def _judged(
        self, experiment_id: str, found: Sequence[FoundBranch], *, is_aside: bool = False
    ) -> tuple[WorkBranchLine, ...]:
        lines = await self.house.read(lambda tx: branches.judged(tx.at(experiment_id), found))
        return tuple(one.having(standing="removed", reason="removed") for one in lines) if is_aside else lines

    async def _say(self, call: Call, request: Request, act: str, told: dict[str, BranchOutcome]) -> BranchOutcomes:
        """The outcomes, and in the log what was moved."""
        moved = [(one.name, one.commit_sha or "") for one in told.values() if one.outcome == act]
        if moved:
            work = prepare(self.house, call, lambda tx: branches.tell(tx, act, moved), (request, {}))
            await self.house.write(work)
        return BranchOutcomes(items=tuple(told.values()))


def _left(name: str, live: str | None) -> BranchOutcome:
    return BranchOutcome(name=name, outcome="gone" if live is None else "changed", commit_sha=live)


def _take_query(_tx: Tx, query: b.BranchQuery) -> b.BranchQuery:
    return query


def _take_body(_tx: Tx, body: ChooseBranches) -> ChooseBranches:
    return body
