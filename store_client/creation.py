"""Creating through silence: an id that was given beforehand tells whether it has happened."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from store_client.client import StoreClient
from store_client.errors import AlreadyExists, NotFound, SwitchyardError, Unreachable
from store_client.settle import is_same
from store_client.wire.ideas import CreateIdea, Idea
from store_client.wire.record import Record
from store_client.wire.tasks import CreateTask, Task
from store_client.wire.variants import CreateVariant, Variant

T = TypeVar("T", bound=Record)
ATTEMPTS = 3


async def settle_task(store: StoreClient, body: CreateTask) -> Task:
    """Create a task; AlreadyExists when another has its id, or works on the same."""
    return await _settle_creation(
        body, ("kind", "payload"), lambda: store.create_task(body), lambda: store.read_task(body.task_id)
    )


async def settle_idea(store: StoreClient, body: CreateIdea) -> Idea:
    """Draft an idea; AlreadyExists when another has its id."""
    compared = ("slug", "priority", "parent_commits")
    return await _settle_creation(
        body, compared, lambda: store.create_idea(body), lambda: store.read_idea(body.idea_id)
    )


async def settle_variant(store: StoreClient, body: CreateVariant) -> Variant:
    """Start a variant; AlreadyExists when another has its id or branch."""
    compared = ("idea_id", "parent_commits", "branch")
    return await _settle_creation(
        body, compared, lambda: store.create_variant(body), lambda: store.read_variant(body.variant_id)
    )


async def _settle_creation(
    body: Record, compared: Sequence[str], create: Callable[[], Awaitable[T]], read: Callable[[], Awaitable[T]]
) -> T:
    error: SwitchyardError | None = None
    for _ in range(ATTEMPTS):
        try:
            return await create()
        except (AlreadyExists, Unreachable) as refused:
            error = refused
        try:
            stored = await read()
        except NotFound:
            if isinstance(error, AlreadyExists):
                break
            continue
        wanted, found = body.to_wire(), stored.to_wire()
        if all(is_same(wanted.get(key), found.get(key)) for key in compared):
            return stored
        raise AlreadyExists("another has this id") from error
    raise error or AlreadyExists
