"""What a running command may tell of itself: `from store_client.report import report, should_stop`.

It needs nothing but Python, so the file may be copied to where this package is not installed. Outside a job every
function does nothing. A program in another language appends lines of JSON to the file that SWITCHYARD_PROGRESS names:

    {"step": 120, "steps": 1000, "fraction": 0.12, "message": "warm-up", "metrics": {"loss": 0.31}, "at": 1767225600.5}

Each part may be left out; `at` is when it was, in seconds since 1970. What is no such line is passed over and counted.
"""

import json
import os
import signal
import threading
import time
from pathlib import Path

LONGEST_LINE = 16 * 1024


def report(
    *,
    step: float | None = None,
    steps: float | None = None,
    fraction: float | None = None,
    message: str | None = None,
    **metrics: float,
) -> None:
    """Say how far the work is, and how well it goes: `report(step=3, steps=10, loss=0.31)`."""
    path = os.environ.get("SWITCHYARD_PROGRESS")
    if path is None:
        return
    said = {"step": step, "steps": steps, "fraction": fraction, "message": message}
    numbers = {name: float(value) for name, value in metrics.items()}
    parts = {**said, "at": round(time.time(), 3), "metrics": numbers or None}
    data = json.dumps({key: part for key, part in parts.items() if part is not None}).encode() + b"\n"
    if len(data) <= LONGEST_LINE:
        _append(path, data)


def checkpoint_directory() -> Path | None:
    """Where to keep checkpoints: what is there stays for the job's next attempt. None outside a job."""
    path = os.environ.get("SWITCHYARD_CHECKPOINT_DIR")
    return Path(path) if path else None


def should_resume() -> bool:
    """Whether an earlier attempt of this job has left checkpoints."""
    return os.environ.get("SWITCHYARD_RESUME") == "1"


def should_stop() -> bool:
    """Whether this attempt has been asked to end: keep a checkpoint, then leave.

    The first call, when it is made in the main thread, keeps the signal that asks from ending the program, unless it
    has a handler of its own. Call it once before the work begins, then as often as you like.
    """
    path = os.environ.get("SWITCHYARD_PROGRESS")
    if path is None:
        return False
    number = signal.Signals[os.environ.get("SWITCHYARD_PREEMPT_SIGNAL", "SIGTERM")]
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
        signal.signal(number, lambda *_: None)
    return Path(path).with_name("stopping").exists()


def _append(path: str, data: bytes) -> None:
    """One write, so that lines of several processes do not mix; a full disk costs the report, not the work."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        os.write(descriptor, data)
    except OSError:
        pass
    finally:
        os.close(descriptor)
