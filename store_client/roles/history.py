"""What has been tried: the history that an ideator reads."""

import asyncio
from typing import Any

from store_client.client import StoreClient
from store_client.errors import Refused
from store_client.roles.headlines import headline
from store_client.wire.variants import VariantDetail

BEST, NEWEST = 25, 25
MAX_TEXT_BYTES = 16_384
AT_ONCE = 8


class IdeaTexts:
    """The texts of ideas, each fetched once; they never change. Holds the newest `limit` of them."""

    def __init__(self, store: StoreClient, limit: int = 500) -> None:
        self._store = store
        self._limit = limit
        self._texts: dict[str, str] = {}

    async def of(self, idea_id: str) -> str:
        """The text of an idea; empty when its artifact cannot be read."""
        if idea_id not in self._texts:
            while len(self._texts) >= self._limit:
                del self._texts[next(iter(self._texts))]
            self._texts[idea_id] = await self._fetch(idea_id)
        return self._texts[idea_id]

    async def _fetch(self, idea_id: str) -> str:
        try:
            idea = await self._store.read_idea(idea_id)
            return await read_text(self._store, idea.artifacts_uri)
        except Refused:
            return ""


async def read_text(store: StoreClient, uri: str, limit: int = MAX_TEXT_BYTES) -> str:
    """The beginning of an artifact as text; of a bundle, of the text that it begins with."""
    async with store.read_artifact(uri) as download:
        return headline(await download.read(limit)).decode(errors="replace").replace("\x00", "")


async def read_history(store: StoreClient, texts: IdeaTexts) -> list[dict[str, Any]]:
    """The best and the newest variants, best first, each with the idea behind it."""
    best = await store.list_variant_page(order="best", limit=BEST)
    newest = await store.list_variant_page(order="newest", limit=NEWEST)
    variants = {variant.variant_id: variant for variant in (*best.items, *newest.items)}
    limiter = asyncio.Semaphore(AT_ONCE)

    async def tell(variant: VariantDetail) -> dict[str, Any]:
        async with limiter:
            return entry(variant, await texts.of(variant.idea_id) if variant.idea_id else None)

    return await asyncio.gather(*map(tell, variants.values()))


def entry(variant: VariantDetail, content: str | None) -> dict[str, Any]:
    """One variant as ideators read it; what it does not have is absent."""
    wire = {
        "variant_id": variant.variant_id,
        "slug": variant.label,
        "kind": variant.kind,
        "status": variant.status.value,
        "commit_sha": variant.commit_sha,
        "variant_commit_sha": variant.variant_commit_sha,
        "parent_commits": list(variant.parent_commits),
        "evaluation": variant.evaluation,
        "objective_value": variant.objective_value,
        "content": content or None,
    }
    return {key: value for key, value in wire.items() if value is not None}
