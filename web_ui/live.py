"""Server-sent events for browsers: one upstream reader for each log that there is, any number of tabs.

A browser event says only that something changed and up to which position; the page then asks for itself again, so
that what it shows is always whole. `Last-Event-ID` makes catching up exact: a tab that missed anything is told at once.
While the control plane is away the tabs are told, too: they ask, get no answer, and say how old they are.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from sse_starlette import EventSourceResponse, ServerSentEvent

from store_client import ControlPlaneClient, LogEvent, LogPage, StoreClient, SwitchyardError
from web_ui.session import CHANGES_WHO

logger = logging.getLogger(__name__)
WAIT_SECONDS = 25.0
RETRY_SECONDS = 1.0
PING_SECONDS = 15
RECONNECT_MILLISECONDS = 2000


@dataclass(frozen=True)
class Marks:
    """How far the log was known at a moment: take them before reading what a page shows."""

    newest: Mapping[str, int]
    tip: int
    floor: int
    """Where this console began to read: an experiment of which it saw nothing since may have events up to here."""

    def of(self, experiment_id: str | None) -> int:
        """The newest position that may concern an experiment, or anything."""
        return self.tip if experiment_id is None else self.newest.get(experiment_id, self.floor)


@dataclass(eq=False)
class _Tab:
    """One open stream: it remembers the newest position alone, so a tab that does not read costs nothing."""

    experiment_id: str | None
    position: int
    whose: str = ""
    is_over: bool = False
    is_due: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, position: int) -> None:
        self.position = position
        self.is_due.set()


class Live:
    """Tells every tab what happens where it looks. How that is known, `EachLog` and `OneLog` say."""

    def __init__(self) -> None:
        self._tabs: set[_Tab] = set()
        self._newest: dict[str, int] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until the console stops."""
        await self._stopping.wait()

    def stop(self) -> None:
        """End every stream."""
        self._stopping.set()
        for tab in self._tabs:
            tab.is_due.set()

    def marks(self) -> Marks:
        """How far the log is known now."""
        raise NotImplementedError

    def stream(self, experiment_id: str | None, last_seen: int | None, whose: str = "") -> EventSourceResponse:
        """The stream of one tab of an operator, of one experiment or of all."""
        return EventSourceResponse(self._events(experiment_id, last_seen, whose), ping=PING_SECONDS)

    async def _follow(self, log: "Log") -> None:
        """Read a log as long as somebody wants to know; a server that is away is asked again."""
        while not self._stopping.is_set() and log.is_wanted():
            try:
                wait_seconds = 0 if log.cursor is None or log.is_away else WAIT_SECONDS
                page = await log.read(log.cursor, wait_seconds)
            except SwitchyardError as error:
                logger.warning("the log cannot be read: %s", error)
                if not log.is_away:
                    log.nudge()
                log.is_away = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_SECONDS):  # wait_for may swallow a cancellation
                        await self._stopping.wait()
                continue
            log.take(page)
            log.cursor = page.cursor
            if log.is_away:
                log.nudge()
            log.is_away = False

    def _end_tabs_of(self, operator_id: object) -> None:
        """End the streams of a person: whoever is still signed in opens another one, and misses nothing."""
        for tab in self._tabs:
            if tab.whose == operator_id:
                tab.is_over = True
                tab.is_due.set()

    def _tell(self, told: Collection[str | None]) -> None:
        """Have the tabs of some experiments look for themselves; those of the deployment do for any."""
        marks = self.marks()
        for tab in self._tabs:
            if told and (tab.experiment_id is None or tab.experiment_id in told):
                tab.tell(marks.of(tab.experiment_id))

    def _nudge(self) -> None:
        """Have every tab look for itself."""
        self._tell({tab.experiment_id for tab in self._tabs})

    def _opened(self, tab: _Tab) -> None:
        """Somebody looks at something now."""

    async def _events(
        self, experiment_id: str | None, last_seen: int | None, whose: str
    ) -> AsyncIterator[ServerSentEvent]:
        tab = _Tab(experiment_id, self.marks().of(experiment_id), whose)
        has_missed = last_seen is not None and tab.position > last_seen
        if has_missed:
            tab.is_due.set()
        self._tabs.add(tab)
        self._opened(tab)
        try:
            # What was missed is not seen yet: a tab that is cut off right after this line must be told again.
            seen = last_seen if has_missed else tab.position
            yield ServerSentEvent(event="hello", data="{}", id=str(seen), retry=RECONNECT_MILLISECONDS)
            while not self._stopping.is_set() and not tab.is_over:
                await tab.is_due.wait()
                tab.is_due.clear()
                if not self._stopping.is_set() and not tab.is_over:
                    yield _changed(tab.position)
        finally:
            self._tabs.discard(tab)


@dataclass
class Log:
    """A log as it is followed: up to where, whether its server is away, and what to do with a page of it."""

    read: Callable[[int | None, float], Awaitable[LogPage]]
    take: Callable[[LogPage], None]
    nudge: Callable[[], None]
    is_wanted: Callable[[], bool] = lambda: True
    cursor: int | None = None
    is_away: bool = False


class OneLog(Live):
    """Follows the joint log of our own control plane, once."""

    def __init__(self, client: ControlPlaneClient, heard: Callable[[LogEvent], None] = lambda _event: None) -> None:
        super().__init__()
        self._client, self._heard = client, heard
        self._tip = self._floor = 0
        self._log = Log(client.read_deployment_log, self._take, self._nudge)

    async def run(self) -> None:
        await self._follow(self._log)

    def marks(self) -> Marks:
        return Marks(dict(self._newest), self._tip, self._floor)

    def _take(self, page: LogPage) -> None:
        """The first answer says only how long the log is; tabs that were drawn before look once."""
        if self._log.cursor is None:
            self._floor = self._tip = page.cursor
            self._nudge()
            return
        for event in page.events:
            self._tip = event.position
            self._heard(event)
            if event.experiment_id is None and event.type in CHANGES_WHO:
                self._end_tabs_of(event.data.get("operator_id") or event.data.get("worker_id"))
            if event.experiment_id is not None:
                self._newest[event.experiment_id] = event.position
        self._tell({event.experiment_id for event in page.events})


class EachLog(Live):
    """Follows each experiment's own log, once for all its tabs, while there are any.

    Positions count in their own experiment; that of the deployment is the sum, which grows with each of them.
    """

    def __init__(self, store: Callable[[str], StoreClient], known: Callable[[], Collection[str]]) -> None:
        super().__init__()
        self._store, self._known = store, known
        self._following: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            await self._stopping.wait()
        finally:
            for task in self._following.values():
                task.cancel()
            await asyncio.gather(*self._following.values(), return_exceptions=True)

    def marks(self) -> Marks:
        return Marks(dict(self._newest), sum(self._newest.values()), 0)

    def _opened(self, tab: _Tab) -> None:
        for experiment_id in [tab.experiment_id] if tab.experiment_id is not None else list(self._known()):
            before = self._following.get(experiment_id)
            if before is None or before.done():
                following = self._follow(self._log_of(experiment_id))
                self._following[experiment_id] = asyncio.create_task(following, name=f"live {experiment_id}")

    def _log_of(self, experiment_id: str) -> Log:
        """The log of one experiment, from where it was left."""

        def take(page: LogPage) -> None:
            if page.cursor != self._newest.get(experiment_id):
                self._newest[experiment_id] = page.cursor
                self._tell({experiment_id})

        return Log(
            read=self._store(experiment_id).read_log,
            take=take,
            nudge=lambda: self._tell({experiment_id}),
            is_wanted=lambda: any(tab.experiment_id in {None, experiment_id} for tab in self._tabs),
            cursor=self._newest.get(experiment_id),
        )


def _changed(position: int) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps({"position": position}), id=str(position))
