"""The GPUs: what each reads now and read before, who is on it, and keeping one back."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from store_client import GpuInfo, GpuList, Refused
from web_ui.filters import age, as_moment
from web_ui.frame import deployment_frame
from web_ui.gpu_cards import GpuCard, card, status
from web_ui.gpu_charts import GpuChart, Stretch, gpu_chart
from web_ui.templating import Frame, Tab
from web_ui.visit import Visit

SPANS = ((60, "1 hour"), (360, "6 hours"), (1440, "24 hours"))
POINTS = 120
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
    cpu_slots: int


async def show(visit: Visit) -> Response:
    """Every GPU of the deployment."""
    found, experiments, fleet = await asyncio.gather(
        visit.client.list_gpus(), visit.console.factory.experiments(visit.who), visit.client.read_fleet()
    )
    minutes = _minutes(visit)
    charts = await asyncio.gather(*(_chart(visit, gpu, minutes) for gpu in found.gpus))
    return visit.show(
        Gpus(
            frame=deployment_frame(visit, experiments, "GPUs", "gpus", fleet),
            sentence=" ".join((sentence(found), *_silence(visit, found))),
            spans=tuple(_span(visit, each, words, minutes) for each, words in SPANS) if found.gpus else (),
            cards=tuple(card(visit, gpu, chart) for gpu, chart in zip(found.gpus, charts, strict=True)),
            cpu_slots=found.cpu_slots,
        )
    )


async def quarantine(visit: Visit) -> Response:
    """Give a GPU to no new job."""
    reason = await _reason(visit)
    if not reason:
        return visit.go(visit.url("gpus"), ("failed", "Say why, so that others know; nothing was changed."))
    await visit.client.quarantine_gpu(_gpu(visit), reason)
    return visit.go(visit.url("gpus"), ("done", "It is quarantined: no new job gets it until it is given out again."))


async def drain(visit: Visit) -> Response:
    """Let what runs on a GPU end there."""
    await visit.client.drain_gpu(_gpu(visit), await _reason(visit) or "to be free soon")
    return visit.go(visit.url("gpus"), ("done", "It drains: what runs there goes on, and nothing more starts."))


async def readmit(visit: Visit) -> Response:
    """Give a GPU out again."""
    await visit.client.readmit_gpu(_gpu(visit))
    return visit.go(visit.url("gpus"), ("done", "It is given out again."))


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
    return Tab(words, f"{visit.url('gpus')}?minutes={minutes}", is_current=minutes == chosen)


def _minutes(visit: Visit) -> int:
    asked = visit.request.query_params.get("minutes", "")
    return next((minutes for minutes, _ in SPANS if str(minutes) == asked), SPANS[0][0])


def _gpu(visit: Visit) -> str:
    return visit.request.query_params.get("gpu", "")


async def _reason(visit: Visit) -> str:
    form = await visit.request.form()
    return str(form.get("reason", "")).strip()[:LONGEST_REASON]
