"""The calls about work branches: git is asked between the gate and the store, and changed where it was seen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.db.transaction import Tx
from control_plane.edge.endpoint import prepare, read_arguments, respond
from control_plane.edge.house import House
from control_plane.task_store.operations import branches
from control_plane.task_store.ports import FoundBranch, WorkRefs
from store_client.wire.branches import (
    BranchOutcome,
    BranchOutcomes,
    BranchStanding,
    ChooseBranches,
    WorkBranchLine,
    WorkBranchPage,
)
from store_client.wire.call import Call
from store_client.wire.calls import branches as b

CHUNK, MOST_LOOKED_AT = 500, 3000
Move = tuple[Callable[[str, Sequence[FoundBranch]], bool], str, str]
"""What moves branches, all or none, and what the log says before and after."""


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
        is_aside, only = query.standing == "removed", None if query.standing == "removed" else query.standing
        most = MOST_LOOKED_AT if only else query.limit + 1
        seen = await asyncio.to_thread(self.refs.listed, experiment_id, after, most, is_aside=is_aside)
        found: list[WorkBranchLine] = []
        looked = 0
        while looked < len(seen) and len(found) < query.limit:
            some = seen[looked : looked + CHUNK]
            lines = await self._judged(experiment_id, some, only)
            found += [_aside(line) for line in lines] if is_aside else lines
            looked += len(some)
        is_more = looked < len(seen) or len(seen) == most
        following = seen[looked - 1][0] if is_more else None
        if len(found) > query.limit:
            following = found[query.limit - 1].name
        shown = found[: query.limit]
        told = await self.house.read(lambda tx: branches.named(tx.at(experiment_id), shown))
        return WorkBranchPage(items=told, next=following)

    async def remove(self, call: Call, request: Request) -> BranchOutcomes:
        """Put aside what nothing needs, each by its live commit, which must be the one that was seen."""
        body, experiment_id = await self._admitted(call, request), request.path_params["experiment_id"]
        seen = {one.name: one.commit_sha for one in body.branches}
        live = await asyncio.to_thread(self.refs.live, experiment_id, seen)
        told: dict[str, BranchOutcome] = {name: _left(name, live.get(name)) for name in seen}
        same = [(name, sha) for name, sha in live.items() if seen[name] == sha]
        may_go: list[FoundBranch] = []
        for line in await self._judged(experiment_id, same):
            if line.standing in {"eligible", "orphan"}:
                may_go.append((line.name, line.commit_sha))
            else:
                told[line.name] = BranchOutcome(
                    name=line.name, outcome="needed", commit_sha=line.commit_sha, reason=line.reason
                )
        return await self._move(call, request, (self.refs.remove, "removing", "removed"), may_go, told)

    async def restore(self, call: Call, request: Request) -> BranchOutcomes:
        """Bring back what is aside, where no other branch has its name."""
        body, experiment_id = await self._admitted(call, request), request.path_params["experiment_id"]
        seen = {one.name: one.commit_sha for one in body.branches}
        live = await asyncio.to_thread(self.refs.live, experiment_id, seen)
        aside = await asyncio.to_thread(self.refs.live, experiment_id, seen, is_aside=True)
        told: dict[str, BranchOutcome] = {name: _left(name, live.get(name)) for name in seen}
        there = [(name, sha) for name, sha in aside.items() if seen[name] == sha]
        return await self._move(call, request, (self.refs.restore, "restoring", "restored"), there, told)

    async def _move(
        self, call: Call, request: Request, act: Move, branches: list[FoundBranch], told: dict[str, BranchOutcome]
    ) -> BranchOutcomes:
        """Say in the log what is going to be moved, move it, and say what was: a server may be killed between."""
        experiment_id, (move, intention, deed) = request.path_params["experiment_id"], act
        await self._tell(call, request, intention, branches)
        moved: list[FoundBranch] = []
        try:
            async for some in _steps(partial(move, experiment_id), branches):
                moved += some
        finally:
            await self._tell(call, request, deed, moved)
        for name, commit_sha in moved:
            told[name] = BranchOutcome.model_validate({"name": name, "outcome": deed, "commit_sha": commit_sha})
        return BranchOutcomes(items=tuple(told.values()))

    async def _admitted(self, call: Call, request: Request) -> ChooseBranches:
        arguments = await read_arguments(request, call)
        body: ChooseBranches = await self.house.read(prepare(self.house, call, _take_body, (request, arguments)))
        return body

    async def _judged(
        self, experiment_id: str, found: Sequence[FoundBranch], only: BranchStanding | None = None
    ) -> tuple[WorkBranchLine, ...]:
        return await self.house.read(lambda tx: branches.judged(tx.at(experiment_id), found, only))

    async def _tell(self, call: Call, request: Request, act: str, moved: Sequence[FoundBranch]) -> None:
        if moved:
            work = prepare(self.house, call, lambda tx: branches.tell(tx, act, moved), (request, {}))
            await self.house.write(work)


async def _steps(
    move: Callable[[Sequence[FoundBranch]], bool], branches: Sequence[FoundBranch]
) -> AsyncIterator[Sequence[FoundBranch]]:
    """What moved: all together, which takes as long as one; where one stands elsewhere meanwhile, each by itself."""
    are_all = bool(branches) and bool(await asyncio.to_thread(move, branches))
    if are_all:
        yield branches
    for one in () if are_all or len(branches) == 1 else branches:
        if await asyncio.to_thread(move, [one]):
            yield [one]


def _aside(line: WorkBranchLine) -> WorkBranchLine:
    return line.having(standing="removed", reason="removed")


def _left(name: str, live: str | None) -> BranchOutcome:
    return BranchOutcome(name=name, outcome="gone" if live is None else "changed", commit_sha=live)


def _take_query(_tx: Tx, query: b.BranchQuery) -> b.BranchQuery:
    return query


def _take_body(_tx: Tx, body: ChooseBranches) -> ChooseBranches:
    return body
