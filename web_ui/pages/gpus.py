"""The GPUs: what each reads now and read before, who is on it, and keeping one back."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import GpuInfo, GpuList, Refused
from web_ui.filters import age, as_moment, with_query
from web_ui.frame import deployment_frame
from web_ui.gpu_cards import GpuCard, card, status
from web_ui.gpu_charts import GpuChart, Stretch, gpu_chart
from web_ui.gpu_tiles import GpuTile, tile
from web_ui.pages.queue import beside
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

SPANS = ((60, "1 hour"), (360, "6 hours"), (1440, "24 hours"))
DAY = 1440
POINTS = 144
MOST_CARDS = 12
"""So many GPUs have a card each; of more there are tiles, and the card of the one that is opened."""
LONGEST_REASON = 500
STALE_SECONDS = 30


@dataclass(frozen=True)
class Gpus:
    """The page at /gpus."""

    template: ClassVar[str] = "gpus/index.html"

    frame: Frame
    sentence: str
    spans: tuple[Tab, ...]
    cards: tuple[GpuCard, ...]
    tiles: tuple[GpuTile, ...]
    opened: GpuCard | None
    all_href: str
    cpu_slots: int


async def show(visit: Visit) -> Response:
    """Every GPU of the deployment, or all of one."""
    minutes, opened = _minutes(visit), _gpu(visit)
    experiments, fleet = await asyncio.gather(beside(visit), visit.client.read_fleet())
    are_many = sum(slot.kind == "gpu" for slot in fleet.slots) > MOST_CARDS
    found = await visit.client.list_gpus(None if opened or are_many else minutes)
    one = next((gpu for gpu in found.gpus if opened and gpu.uuid == opened), None)
    are_many = len(found.gpus) > MOST_CARDS
    shown = () if are_many or one is not None else found.gpus
    charts = _charts(visit, found, minutes)
    return visit.show(
        Gpus(
            frame=deployment_frame(visit, experiments, "GPUs", "gpus", fleet),
            sentence=" ".join((sentence(found), *_silence(visit, found))),
            spans=tuple(_span(visit, each, words, minutes) for each, words in SPANS) if shown or one else (),
            cards=tuple(card(visit, gpu, charts.get(gpu.uuid)) for gpu in shown),
            tiles=tuple(tile(gpu, _at(visit, gpu.uuid, minutes), opened) for gpu in found.gpus) if are_many else (),
            opened=card(visit, one, await _chart(visit, one, minutes), one.uuid) if one is not None else None,
            all_href=visit.url("gpus"),
            cpu_slots=found.cpu_slots,
        )
    )


def _charts(visit: Visit, found: GpuList, minutes: int) -> dict[str, GpuChart | None]:
    """What each read, from one answer for all of them."""
    totals = {gpu.uuid: gpu.memory_total_bytes for gpu in found.gpus}
    stretch = Stretch(visit.now, minutes)
    return {each.uuid: gpu_chart(each, totals.get(each.uuid), stretch, is_listed=False) for each in found.courses}


async def quarantine(visit: Visit) -> Response:
    """Give a GPU to no new job."""
    reason = await _reason(visit)
    if not reason:
        return visit.go(_back(visit), ("failed", "Say why, so that others know; nothing was changed."))
    await visit.client.quarantine_gpu(_gpu(visit), reason)
    return visit.go(_back(visit), ("done", "It is quarantined: no new job gets it until it is given out again."))


async def drain(visit: Visit) -> Response:
    """Let what runs on a GPU end there."""
    await visit.client.drain_gpu(_gpu(visit), await _reason(visit) or "to be free soon")
    return visit.go(_back(visit), ("done", "It drains: what runs there goes on, and nothing more starts."))


async def readmit(visit: Visit) -> Response:
    """Give a GPU out again."""
    await visit.client.readmit_gpu(_gpu(visit))
    return visit.go(_back(visit), ("done", "It is given out again."))


def sentence(found: GpuList) -> str:
    """How they stand, in words."""
    parts = [part for gpu in found.gpus for part in (gpu.slices or (gpu,))]
    if not parts:
        return "There is no GPU here."
    told = {"ours": "at work", "free": "free", "foreign": "used by others"}
    counts = [(words, sum(1 for part in parts if status(part) == kind)) for kind, words in told.items()]
    back = sum(1 for part in parts if status(part) not in told)
    noun = "slot" if any(gpu.slices for gpu in found.gpus) else "GPU"
    shown = [f"{count} {words}" for words, count in [*counts, ("not given out", back)] if count]
    return f"{len(parts)} {noun}{'' if len(parts) == 1 else 's'}: {', '.join(shown)}."


def _silence(visit: Visit, found: GpuList) -> Iterator[str]:
    """That nobody looks any more, where readings should be seconds old; a cluster's are written when they change."""
    seen = [as_moment(gpu.seen_at) for gpu in found.gpus if gpu.node is None]
    if seen and (visit.now - max(seen)).total_seconds() > STALE_SECONDS:
        yield f"These readings are {age(max(seen), visit.now)} old: no scheduler looks now."


async def _chart(visit: Visit, gpu: GpuInfo, minutes: int) -> GpuChart | None:
    try:
        history = await visit.client.read_gpu_history(gpu.uuid, minutes, POINTS)
    except Refused:  # it was forgotten a moment ago
        return None
    return gpu_chart(history, gpu.memory_total_bytes, Stretch(visit.now, minutes))


def _span(visit: Visit, minutes: int, words: str, chosen: int) -> Tab:
    return Tab(words, _at(visit, _gpu(visit), minutes), is_current=minutes == chosen)


def _at(visit: Visit, uuid: str, minutes: int) -> str:
    return with_query(visit.url("gpus"), gpu=uuid or None, minutes=minutes if minutes != DAY else None)


def _minutes(visit: Visit) -> int:
    asked = visit.request.query_params.get("minutes", "")
    return next((minutes for minutes, _ in SPANS if str(minutes) == asked), DAY)


def _back(visit: Visit) -> str:
    """Where the act was done: on all of them, or on the page of one."""
    return with_query(visit.url("gpus"), gpu=visit.request.query_params.get("back") or None)


def _gpu(visit: Visit) -> str:
    return visit.request.query_params.get("gpu", "")


async def _reason(visit: Visit) -> str:
    form = await visit.request.form()
    return str(form.get("reason", "")).strip()[:LONGEST_REASON]
