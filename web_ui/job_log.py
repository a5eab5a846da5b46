"""The log of an attempt as a job's page shows it: its end, or the lines of its end that hold some words."""

from dataclasses import dataclass

from store_client import JobDetail, LogSlice, Refused, Unreachable
from web_ui.filters import plural, size, with_query
from web_ui.visit import Visit

SHOWN_BYTES = 65_536
SLICE_BYTES = 1_048_576
LONGEST_WORDS = 200
MOST_LINES = 500


@dataclass(frozen=True)
class LogView:
    """How somebody wants to see a log: as the address says."""

    attempt: int = 0
    words: str = ""
    is_wrapped: bool = True


@dataclass(frozen=True)
class Log:
    """The end of an attempt's log and where to ask for more; `skipped` bytes come before it."""

    text: str
    url: str
    offset: int
    is_live: bool
    skipped: int
    download_href: str
    attempt: int
    found: str
    """What the search came to, in words; empty where nothing is searched for."""
    wrap_href: str
    whole_href: str


def view_of(visit: Visit) -> LogView:
    """What the address asks for."""
    query = visit.request.query_params
    return LogView(number(query.get("attempt")), query.get("find", "")[:LONGEST_WORDS], query.get("wrap") != "off")


def number(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else default


async def log_of(visit: Visit, job: JobDetail, view: LogView) -> tuple[Log | None, str]:
    """The log, or why there is none."""
    if job.attempt == 0:
        return None, ""
    try:
        piece = await visit.client.read_job_log(job.job_id, *_stretch(job, view), view.attempt or None)
    except (Refused, Unreachable) as error:
        return None, str(error)
    return _shown(visit, job, (piece, view)), ""


def _stretch(job: JobDetail, view: LogView) -> tuple[int, int]:
    """Where to begin reading, and how much: of the newest attempt the end, of an earlier one the beginning."""
    if view.attempt not in {0, job.attempt}:
        return 0, SLICE_BYTES if view.words else SHOWN_BYTES
    return max(0, job.log_bytes - (SLICE_BYTES if view.words else SHOWN_BYTES)), SLICE_BYTES


def _shown(visit: Visit, job: JobDetail, seen: tuple[LogSlice, LogView]) -> Log:
    piece, view = seen
    path, log = visit.url("job", job=job.job_id), visit.url("job_log", job=job.job_id)
    text, found = (piece.text, "") if not view.words else _search(piece, view.words)
    kept = {"attempt": view.attempt or None, "find": view.words or None}
    return Log(
        text=text,
        url=f"{log}?attempt={piece.attempt}",
        offset=piece.next_offset,
        is_live=not piece.is_complete and not view.words,
        skipped=piece.offset,
        download_href=f"{log}?attempt={piece.attempt}&download=1",
        attempt=piece.attempt,
        found=found,
        wrap_href=with_query(path, **kept, wrap="off" if view.is_wrapped else None),
        whole_href=with_query(path, attempt=view.attempt or None, wrap=None if view.is_wrapped else "off"),
    )


def _search(piece: LogSlice, words: str) -> tuple[str, str]:
    """The newest lines that hold the words, whatever their case, and how many there are."""
    wanted = words.casefold()
    lines = [line for line in piece.text.splitlines() if wanted in line.casefold()]
    searched = f" in the {'last' if piece.offset else 'first'} {size(len(piece.text.encode()))}"
    told = f"{plural(len(lines), 'line')} with “{words}”{searched}"
    if len(lines) > MOST_LINES:
        told += f"; these are the last {MOST_LINES}"
    return "".join(f"{line}\n" for line in lines[-MOST_LINES:]), f"{told}."
