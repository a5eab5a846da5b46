"""`python -m store_client.runner.attempt`: one attempt, on a machine that shares only the network with the server.

A batch system starts it with a ticket on standard input. It makes a secret, exchanges the ticket for the attempt's
order and from then on speaks with that secret alone. Inputs come by git; the command runs under the engine's own shim
(`direct.ENGINE`), so that all that holds for an attempt beside the server holds here; log, progress and result go back
over HTTP, a commit by git to the one branch that this attempt may push. A server that is away is waited for. One that
says that the attempt is over ends it: another attempt may be at work by now.
"""

import argparse
import asyncio
import base64
import fcntl
import json
import logging
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from store_client.client import ControlPlaneClient
from store_client.credentials import StaticBearer
from store_client.errors import InvalidPrecondition, PayloadTooLarge, Refused, Unreachable
from store_client.runner.checkpoints import Checkpoints
from store_client.runner.direct import ENGINE
from store_client.runner.mirror import GitFailed, Mirror
from store_client.runner.reports import Reports
from store_client.runner.scratch import Scratch
from store_client.transport import Patience, Transport
from store_client.wire.attempts import AttemptOrder, AttemptResult, BeginAttempt
from store_client.wire.jobs import ExitCause, JobDetail

T = TypeVar("T")
logger = logging.getLogger(__name__)
INSISTENT = Patience(attempts=90, first_pause_seconds=0.2, longest_pause_seconds=10.0)
"""Ten minutes, for the first word and the last: a server that is started anew, or a network that comes back."""
PUSHES = 8
KEEP_SECONDS = 600.0
"""So long may it take to send what is left for the next attempt; it has been sent now and then before."""
CANCELLED_SECONDS = 20.0
"""The same for one that somebody waits for to be gone."""


@dataclass(frozen=True)
class Place:
    """Which attempt this is, and what the batch system gave it."""

    url: str
    job_id: str
    attempt: int
    scratch: Scratch
    gpus: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.job_id}/{self.attempt}"


class Agent:
    """One attempt, from its ticket to its last word."""

    def __init__(self, place: Place, deployment: ControlPlaneClient, secret: str) -> None:
        self._place, self._deployment, self._secret = place, deployment, secret
        self._told = asyncio.Event()

    def stop(self) -> None:
        """The batch system wants the attempt to end."""
        self._told.set()

    async def run(self, ticket: str) -> None:
        """Run the attempt; a refusal that ends it is raised."""
        place = self._place
        asked = BeginAttempt(ticket=ticket, secret=self._secret)
        order = await insist(lambda: self._deployment.begin_attempt(place.job_id, place.attempt, asked))
        reports = Reports(self._deployment, (place.job_id, place.attempt), place.scratch.output)
        await asyncio.to_thread(place.scratch.open)
        is_done = False
        try:
            result = await self._resumed(order, reports)
            await insist(lambda: reports.end(result))
            is_done = result.cause == "finished"
        finally:
            await asyncio.to_thread(place.scratch.close, is_done=is_done)

    async def _resumed(self, order: AttemptOrder, reports: Reports) -> AttemptResult:
        """The result of the attempt, which begins with what earlier ones have left and leaves it to later ones."""
        checkpoints = Checkpoints(self._deployment, self._place.scratch)
        try:
            await insist(checkpoints.fetch)
        except OSError as error:
            return AttemptResult(cause="start_failed", detail=f"no room for the checkpoints of the job: {error}")
        watch = asyncio.create_task(checkpoints.watch())
        try:
            result = await self._result(order, reports)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        return await self._left(result, checkpoints)

    async def _left(self, result: AttemptResult, checkpoints: Checkpoints) -> AttemptResult:
        """The result, once the server has the checkpoints; it says so when they cannot be brought there."""
        seconds = CANCELLED_SECONDS if result.cause == "cancelled" else KEEP_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await insist(checkpoints.send)
        except (TimeoutError, Unreachable, PayloadTooLarge, InvalidPrecondition) as error:
            said = f"its newest checkpoints could not be sent: {error or f'not within {seconds:g} seconds'}"
            return result.having(detail=f"{result.detail}; {said}" if result.detail else said)
        return result

    async def _result(self, order: AttemptOrder, reports: Reports) -> AttemptResult:
        mirror = self._mirror(order)
        try:
            async with _alone(mirror.path):
                await mirror.fetch()
        except GitFailed as error:
            return AttemptResult(cause="start_failed", detail=f"the repository could not be fetched: {error}")
        result = await self._ended(order, mirror, reports)
        return await self._pushed(result, order, mirror) if result.published_commit else result

    def _mirror(self, order: AttemptOrder) -> Mirror:
        place = self._place
        proof = base64.b64encode(f"{place.name}:{self._secret}".encode()).decode()
        header = {"GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": f"Authorization: Basic {proof}"}
        quiet = {"GIT_CONFIG_COUNT": "1", "GIT_TERMINAL_PROMPT": "0", "HOME": "/nonexistent"}
        origin = f"{place.url.rstrip('/')}/git/{order.experiment_id}.git"
        return Mirror(place.scratch.repository(order.experiment_id), origin, {**quiet, **header})

    async def _ended(self, order: AttemptOrder, mirror: Mirror, reports: Reports) -> AttemptResult:
        """The end as the engine tells it; whoever wants the attempt to stop is heard meanwhile."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", ENGINE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        asked, wish = json.dumps(_request(order, self._place, mirror)).encode(), None
        ending = asyncio.ensure_future(process.communicate(asked))
        try:
            while not ending.done():
                wish = await reports.send(until=ending, told=self._told) or wish
                if wish is not None and not ending.done():
                    process.send_signal(signal.SIGUSR1 if wish == "preempt" else signal.SIGTERM)
            out, _ = await ending
        except Refused:
            logger.warning("%s is over; what runs of it is ended", self._place.name)
            process.terminate()
            await asyncio.wait({ending})
            raise
        return _told(out) if process.returncode == 0 else _untold(wish)

    async def _pushed(self, result: AttemptResult, order: AttemptOrder, mirror: Mirror) -> AttemptResult:
        """The result, once its commit is at the server; failed when it cannot be brought there."""
        reason = ""
        for attempt in range(PUSHES):
            try:
                await mirror.push(order.spec.publish or "", order.branch)
            except GitFailed as error:
                reason = str(error)
                await INSISTENT.pause(attempt)
            else:
                return result
        return result.having(
            cause="user_error", published_commit=None, detail=f"its commit could not be pushed: {reason}"
        )


async def insist(act: Callable[[], Awaitable[T]]) -> T:
    """Do what can be done again until the server answers, or for so long."""
    for attempt in range(INSISTENT.attempts):
        with suppress(Unreachable):
            return await act()
        await INSISTENT.pause(attempt)
    return await act()


def _told(out: bytes) -> AttemptResult:
    job = JobDetail.model_validate_json(out)
    detail = next((attempt.detail for attempt in job.attempts), None)
    made = {name: getattr(job, name) for name in ("exit_code", "files", "stdout", "published_commit")}
    return AttemptResult(cause=job.cause or "node_lost", detail=detail, **made)


def _untold(wish: str | None) -> AttemptResult:
    """The end of an engine that said nothing: it was stopped before it could hear us, or somebody killed it."""
    causes: Mapping[str | None, ExitCause] = {"cancel": "cancelled", "preempt": "preempted"}
    return AttemptResult(cause=causes.get(wish, "node_lost"), detail="the engine of the attempt ended without a word")


def _request(order: AttemptOrder, place: Place, mirror: Mirror) -> dict[str, Any]:
    """What the engine reads."""
    slots = [*place.gpus, *(f"cpu:{number}" for number in range(order.spec.resources.cpus))]
    where = {"root": str(place.scratch.folder), "repository": str(mirror.path)}
    job = order.model_dump(mode="json", exclude={"spec", "branch"})
    return {**where, "job": job, "spec": order.spec.to_wire(), "slots": slots}


@asynccontextmanager
async def _alone(repository: Path) -> AsyncIterator[None]:
    """Nobody else of this machine changes the repository meanwhile."""
    repository.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with repository.with_suffix(".lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


async def run(place: Place, ticket: str) -> int:
    """The exit status: 0 once the server has the last word of the attempt."""
    secret = secrets.token_urlsafe(32)
    async with ControlPlaneClient(Transport(place.url), StaticBearer(place.name, secret)) as deployment:
        agent = Agent(place, deployment, secret)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, agent.stop)
        try:
            await agent.run(ticket)
        except (Refused, Unreachable) as error:
            logger.warning("%s: %s", place.name, error)
            return 1
    return 0


def read(given: Mapping[str, Any]) -> Place:
    gpus = tuple(name for name in str(given["gpus"]).split(",") if name)
    scratch = Scratch(given["scratch"].absolute(), given["job"], given["attempt"])
    return Place(given["url"], given["job"], given["attempt"], scratch, gpus)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m store_client.runner.attempt", description=__doc__)
    parser.add_argument("--url", required=True, help="the control plane, as this machine reaches it")
    parser.add_argument("--job", required=True)
    parser.add_argument("--attempt", required=True, type=int)
    parser.add_argument("--scratch", required=True, type=Path, help="a folder of this machine")
    parser.add_argument("--gpus", default="", help="as in CUDA_VISIBLE_DEVICES")
    place = read(vars(parser.parse_args()))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(asyncio.run(run(place, sys.stdin.readline().strip())))


if __name__ == "__main__":
    main()
