"""Server-sent events for browsers: one upstream reader for each log that there is, any number of streams and tabs.

A browser event says only what kinds of things changed, where, and up to which position; pages then ask for themselves
again, so that what they show is always whole. A stream begins at positions, one for each thing its tabs look at, so
that catching up is exact: who missed anything is told at once. While the control plane is away the tabs are told, too:
they ask, get no answer, and say how old they are.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from store_client import ControlPlaneClient, LogEvent, LogPage, StoreClient, SwitchyardError
from web_ui.event_stream import EventStream, Kinds, News, Watch, Watcher
from web_ui.session import CHANGES_WHO

logger = logging.getLogger(__name__)
WAIT_SECONDS = 25.0
RETRY_SECONDS = 1.0
Told = Mapping[str | None, Kinds]
"""Where something changed, and what."""


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


class Live:
    """Tells every open page what happens where it looks. How that is known, `EachLog` and `OneLog` say."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._newest: dict[str, int] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until the console stops."""
        await self._stopping.wait()

    def stop(self) -> None:
        """End every stream."""
        self._stopping.set()
        for watcher in self._watchers:
            watcher.end()

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._watchers)

    def marks(self) -> Marks:
        """How far the log is known now."""
        raise NotImplementedError

    def stream(self, watches: Iterable[Watch], whose: str = "") -> EventStream:
        """The stream of one browser of an operator; whatever happened since its pages were drawn is told at once."""
        watcher, marks = Watcher(tuple(watches), whose), self.marks()
        for watch in watcher.watches:
            position = marks.of(watch.experiment_id)
            if watch.after is not None and position > watch.after:
                watcher.tell(News(watch.name, position))
        if self._stopping.is_set():
            watcher.end()
        self._watchers.add(watcher)
        self._opened(watcher)
        return EventStream(watcher, lambda: self._watchers.discard(watcher))

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

    def _end_streams_of(self, operator_id: object) -> None:
        """End the streams of a person: whoever is still signed in opens another one, and misses nothing."""
        for watcher in self._watchers:
            if watcher.whose == operator_id:
                watcher.end()

    def _tell(self, told: Told) -> None:
        """Have those look who look where something changed; told of `None` are those who look at everything."""
        marks = self.marks()
        news = {place: News(place or "", marks.of(place), kinds) for place, kinds in told.items()}
        for watcher in self._watchers:
            for watch in watcher.watches:
                if watch.experiment_id in news:
                    watcher.tell(news[watch.experiment_id])

    def _nudge(self) -> None:
        """Have everybody look for themselves."""
        self._tell({watch.experiment_id: None for watcher in self._watchers for watch in watcher.watches})

    def _opened(self, watcher: Watcher) -> None:
        """Somebody looks at something now."""


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
        told: dict[str | None, frozenset[str]] = {}
        for event in page.events:
            self._tip = event.position
            self._heard(event)
            if event.experiment_id is None and event.type in CHANGES_WHO:
                self._end_streams_of(event.data.get("operator_id") or event.data.get("worker_id"))
            if event.experiment_id is not None:
                self._newest[event.experiment_id] = event.position
            for place in {event.experiment_id, None}:
                told[place] = told.get(place, frozenset()) | {event.type.partition(".")[0]}
        self._tell(told)


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

    def _opened(self, watcher: Watcher) -> None:
        for experiment_id in self._wanted_by(watcher):
            before = self._following.get(experiment_id)
            if before is None or before.done():
                following = self._follow(self._log_of(experiment_id))
                self._following[experiment_id] = asyncio.create_task(following, name=f"live {experiment_id}")

    def _wanted_by(self, watcher: Watcher) -> set[str]:
        """The experiments that a stream tells of."""
        named = {watch.experiment_id for watch in watcher.watches}
        return {one for one in named if one is not None} | set(self._known() if None in named else ())

    def _log_of(self, experiment_id: str) -> Log:
        """The log of one experiment, from where it was left."""

        def take(page: LogPage) -> None:
            if page.cursor != self._newest.get(experiment_id):
                is_first = experiment_id not in self._newest
                self._newest[experiment_id] = page.cursor
                tell(None if is_first else frozenset(event.type.partition(".")[0] for event in page.events))

        def tell(kinds: Kinds = None) -> None:
            self._tell({experiment_id: kinds, None: kinds})

        def is_wanted() -> bool:
            return any(watch.experiment_id in {None, experiment_id} for one in self._watchers for watch in one.watches)

        read = self._store(experiment_id).read_log
        return Log(read, take, nudge=tell, is_wanted=is_wanted, cursor=self._newest.get(experiment_id))
