"""GPUs as their cards show them."""

from collections.abc import Iterator
from dataclasses import dataclass

from store_client import GpuHolder, GpuInfo, GpuProcess, GpuSlice
from web_ui.filters import Moment, plural, size, with_query
from web_ui.gpu_charts import GpuChart
from web_ui.visit import Visit


@dataclass(frozen=True)
class Meter:
    """How much of something is in use; `part` is none where only the words are known."""

    label: str
    words: str
    part: float | None
    kind: str


@dataclass(frozen=True)
class User:
    """Somebody on a GPU: a job of ours, or a process."""

    text: str
    note: str
    href: str | None = None


@dataclass(frozen=True)
class GpuActs:
    """Where the acts lead; none where the state or the person does not allow them."""

    quarantine_href: str | None = None
    drain_href: str | None = None
    readmit_href: str | None = None
    stays: str = ""
    """What becomes of what runs there, in a sentence."""


@dataclass(frozen=True)
class Held:
    """A stretch of a GPU's parts that one job holds."""

    at: int
    units: int
    title: str


@dataclass(frozen=True)
class Parts:
    """The parts of a GPU that is given out in shares or slices, and who holds which."""

    count: int
    words: str
    held: tuple[Held, ...]


@dataclass(frozen=True)
class SliceCard:
    """A slice of a GPU."""

    uuid: str
    name: str
    status: str
    why: str
    memory: Meter | None
    users: tuple[User, ...]
    acts: GpuActs


@dataclass(frozen=True)
class GpuCard:
    """One GPU."""

    uuid: str
    name: str
    model: str
    status: str
    why: str
    kept_by: str
    kept_since: Moment | None
    meters: tuple[Meter, ...]
    facts: tuple[tuple[str, str], ...]
    users: tuple[User, ...]
    parts: Parts | None
    slices: tuple[SliceCard, ...]
    chart: GpuChart | None
    href: str
    acts: GpuActs
    seen_at: Moment


def card(visit: Visit, gpu: GpuInfo, chart: GpuChart | None, back: str | None = None) -> GpuCard:
    """A GPU as its card; `back` is the GPU on whose own page it stands, which acts lead back to."""
    return GpuCard(
        uuid=gpu.uuid,
        name=f"GPU {gpu.index}" + (f" of {gpu.node}" if gpu.node else ""),
        model=gpu.name or "a GPU that does not say what it is",
        status=status(gpu),
        why=_sentence(gpu.why),
        kept_by="the scheduler" if gpu.kept_back_by == "scheduler" else "an administrator" if gpu.kept_back_by else "",
        kept_since=gpu.kept_back_since,
        meters=tuple(meters_of(gpu)),
        facts=tuple(facts_of(gpu)),
        users=tuple(_users(visit, gpu)),
        parts=_parts(gpu),
        slices=tuple(_slice(visit, cut, back) for cut in gpu.slices),
        chart=chart,
        href=with_query(visit.url("gpus"), gpu=gpu.uuid),
        acts=_acts(visit, gpu, back),
        seen_at=gpu.seen_at,
    )


def _parts(gpu: GpuInfo) -> Parts | None:
    """How a GPU is divided; none for one that one job has, or nobody and nobody could share it."""
    if gpu.slices:
        held = [
            Held(place, 1, f"{cut.profile or cut.index}: job {cut.holders[0].job_number}")
            for place, cut in enumerate(gpu.slices)
            if cut.holders
        ]
        return Parts(len(gpu.slices), f"{len(held)} of {plural(len(gpu.slices), 'slice')} held", tuple(held))
    if gpu.units == 1 or not any(holder.units < gpu.units for holder in gpu.holders):
        return None
    stretches, at = [], 0
    for holder in gpu.holders:
        stretches.append(Held(at, holder.units, f"job {holder.job_number}: {holder.units} of {gpu.units} parts"))
        at += holder.units
    return Parts(gpu.units, f"{gpu.units_held} of {gpu.units} parts held", tuple(stretches))


def status(part: GpuInfo | GpuSlice) -> str:
    """The word of a GPU: who has it, or why nobody gets it."""
    if part.state in {"lost", "quarantined"}:
        return part.state
    if part.holders:
        return "ours"
    if isinstance(part, GpuInfo) and part.is_mig and part.state == "usable":
        return "in_slices"
    return "free" if part.state == "usable" else part.state


def _sentence(text: str | None) -> str:
    """What somebody, or the scheduler, gave as the reason."""
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _slice(visit: Visit, cut: GpuSlice, back: str | None) -> SliceCard:
    return SliceCard(
        uuid=cut.uuid,
        name=cut.profile or f"slice {cut.index}",
        status=status(cut),
        why=_sentence(cut.why),
        memory=memory_of(cut),
        users=tuple(_users(visit, cut)),
        acts=_acts(visit, cut, back),
    )


def meters_of(gpu: GpuInfo) -> Iterator[Meter]:
    if gpu.utilisation_percent is not None:
        yield Meter("Load", f"{gpu.utilisation_percent} %", gpu.utilisation_percent / 100, "run")
    memory = memory_of(gpu)
    if memory is not None:
        yield memory


def memory_of(part: GpuInfo | GpuSlice) -> Meter | None:
    if part.memory_used_bytes is None and part.memory_total_bytes is None:
        return None
    words = f"{size(part.memory_used_bytes)} of {size(part.memory_total_bytes)}"
    if part.memory_used_bytes is None or not part.memory_total_bytes:
        return Meter("Memory", words, None, "accent")
    return Meter("Memory", words, part.memory_used_bytes / part.memory_total_bytes, "accent")


def facts_of(gpu: GpuInfo) -> Iterator[tuple[str, str]]:
    if gpu.temperature_celsius is not None:
        yield "Temperature", f"{gpu.temperature_celsius} °C"
    if gpu.power_watts is not None:
        yield "Power", f"{gpu.power_watts:.0f} W"
    if gpu.driver:
        yield "Driver", gpu.driver


def _users(visit: Visit, part: GpuInfo | GpuSlice) -> Iterator[User]:
    held = {holder.job_id for holder in part.holders}
    yield from (_holder(visit, part, holder) for holder in part.holders)
    yield from (_process(visit, process) for process in part.processes if process.job_id not in held)


def _holder(visit: Visit, part: GpuInfo | GpuSlice, holder: GpuHolder) -> User:
    mine = [one.memory_bytes for one in part.processes if one.job_id == holder.job_id and one.memory_bytes is not None]
    notes = [f"{holder.units} of {part.units} parts"] if holder.units < part.units else []
    notes += [size(sum(mine))] if mine else []
    notes += [holder.experiment_name] if holder.experiment_name else []
    notes += [f"of {holder.submitter_name}"] if holder.submitter_name else []
    href = visit.url("job", job=holder.job_id)
    return User(f"{holder.job_number} {holder.job_name}", " · ".join(notes), href)


def _process(visit: Visit, process: GpuProcess) -> User:
    named = process.command or "a process that cannot be seen from here"
    text = f"{named}, process {process.pid}" + (f" of {process.user}" if process.user else "")
    amount = "" if process.memory_bytes is None else size(process.memory_bytes)
    if process.job_id is None:
        return User(text, f"{amount} · not ours" if amount else "not ours")
    note = f"left by job {process.job_number}" + (f" · {amount}" if amount else "")
    return User(text, note, visit.url("job", job=process.job_id))


def _acts(visit: Visit, part: GpuInfo | GpuSlice, back: str | None) -> GpuActs:
    if not visit.manages_deployment:
        return GpuActs()
    if part.kept_back_by is not None:
        return GpuActs(readmit_href=with_query(visit.url("readmit_gpu"), gpu=part.uuid, back=back))
    return GpuActs(
        quarantine_href=with_query(visit.url("quarantine_gpu"), gpu=part.uuid, back=back),
        drain_href=with_query(visit.url("drain_gpu"), gpu=part.uuid, back=back),
        stays=_stays(part),
    )


def _stays(part: GpuInfo | GpuSlice) -> str:
    """What keeping it back means to the jobs on it."""
    if not part.holders:
        return "No job runs there now."
    numbers = ", ".join(str(holder.job_number) for holder in part.holders)
    one = len(part.holders) == 1
    return f"Job{'' if one else 's'} {numbers} {'goes' if one else 'go'} on to {'its' if one else 'their'} end there."
