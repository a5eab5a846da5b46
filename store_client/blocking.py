"""The clients for notebooks and scripts: the same methods, called from ordinary functions.

with connect_blocking("http://127.0.0.1:8091", StaticBearer("admin", token)) as deployment:
    print(deployment.list_experiment_summaries())
    for event in deployment.stream_deployment_log():
        print(event.type)
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from store_client.client import Client, ControlPlaneClient
from store_client.credentials import Bearer
from store_client.transport import Transport


class Blocking:
    """Any object with async methods, as one with ordinary methods."""

    def __init__(self, portal: BlockingPortal, inner: Any) -> None:
        self._portal = portal
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        return partial(self._call, attribute) if callable(attribute) else attribute

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        bound = partial(method, *args, **kwargs)
        if iscoroutinefunction(method):
            return self._portal.call(bound)
        answer = bound()
        if isinstance(answer, AsyncGenerator):
            return self._each(answer)
        is_stream = isinstance(answer, AbstractAsyncContextManager) and not isinstance(answer, Client)
        return self._enter(answer) if is_stream else Blocking(self._portal, answer)

    def run(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What a function of this package gives that takes a client first: `store.run(settle_accept, task_id)`."""
        return self._call(act, self._inner, *args, **kwargs)

    def _each(self, generator: AsyncGenerator[Any, None]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._portal.call(anext, generator)
                except StopAsyncIteration:
                    return
        finally:
            with suppress(RuntimeError):  # the connection has ended, and its event loop has closed what was open
                self._portal.call(generator.aclose)

    @contextmanager
    def _enter(self, manager: AbstractAsyncContextManager[Any]) -> Iterator["Blocking"]:
        with self._portal.wrap_async_context_manager(manager) as inner:
            yield Blocking(self._portal, inner)


@contextmanager
def connect_blocking(url: str, bearer: Bearer, transport: Transport | None = None) -> Iterator[Blocking]:
    """A blocking `ControlPlaneClient`; its `store(experiment_id)` is a blocking `StoreClient`."""
    with start_blocking_portal() as portal:
        client = ControlPlaneClient(transport or Transport(url), bearer)
        try:
            yield Blocking(portal, client)
        finally:
            portal.call(client.aclose)
