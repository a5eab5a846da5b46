"""Runs a variant's program in a folder of its own, caged, with a time limit and nothing of the judge's."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CAGE = Path(__file__).with_name("cage.py")
PROGRAM_BYTES = 256 * 1024
ANSWER_BYTES = 1024 * 1024
GRACE_SECONDS = 5
PASSED_ON = ("PATH", "LANG", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


class VariantError(Exception):
    """What the variant did wrong, in words for its author."""


@dataclass(frozen=True)
class Exam:
    """One sitting of a program, and the seconds that it may take to start and to answer."""

    program: Path
    start_seconds: float = 30
    answer_seconds: float = 60

    def ask(self, question: str | None = None) -> tuple[str, float]:
        """The program's answer and the seconds it took: from its start, or from the question where there is one.

        A program that is asked says "ready" first, so the time for its imports is not counted.
        """
        if not CAGE.is_file():
            raise FileNotFoundError(CAGE)
        with tempfile.TemporaryDirectory() as folder, Path(folder, "stderr").open("w+b") as errors:
            home = Path(folder, "home")
            home.mkdir()
            copy_program(self.program, home)
            with started(home / self.program.name, errors) as process:
                talk = Talk(process, errors)
                if question is not None:
                    talk.await_ready(self.start_seconds)
                began = time.perf_counter()
                return talk.answer(question or "", self.answer_seconds), time.perf_counter() - began


def copy_program(program: Path, home: Path) -> None:
    if program.is_symlink() or not program.is_file():
        raise VariantError(f"{program.name} is missing or no plain file")
    if program.stat().st_size > PROGRAM_BYTES:
        raise VariantError(f"{program.name} is larger than {PROGRAM_BYTES} bytes")
    shutil.copyfile(program, home / program.name)


@contextmanager
def started(program: Path, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The running program, whose whole process group ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(CAGE), str(program)],
        cwd=program.parent,
        env=environment(program.parent),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        bufsize=0,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()


def environment(home: Path) -> dict[str, str]:
    """A few plain variables; nothing that names the experiment, its data or a credential."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"OMP_NUM_THREADS": "1", **passed_on, "HOME": str(home), "TMPDIR": str(home)}


class Talk:
    """The question and the answer; the program is to blame when that is late, too long or not there."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self.process, self.errors, self.unsaid = process, errors, b""
        os.set_blocking(process.stdin.fileno(), False)

    def await_ready(self, seconds: float) -> None:
        if self.hear(seconds, stop_at=b"\n").strip() != b"ready":
            raise VariantError(f"did not start: {self.last_words()}")

    def answer(self, question: str, seconds: float) -> str:
        """All that the program says to the question."""
        self.unsaid = question.encode() + b"\n"
        text = self.hear(seconds)
        try:
            code = self.process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            raise VariantError("closed its output and did not end") from None
        if code != 0:
            raise VariantError(f"ended with exit code {code}: {self.last_words()}")
        return text.decode(errors="replace")

    def hear(self, seconds: float, stop_at: bytes | None = None) -> bytes:
        """What comes until the end of the output, or until `stop_at`; what is unsaid is said as the program listens."""
        output, until, text = self.process.stdout.fileno(), time.monotonic() + seconds, b""
        while len(text) <= ANSWER_BYTES:
            listeners = [self.process.stdin] if self.unsaid else []
            readable, writable, _ = select.select([output], listeners, [], max(0, until - time.monotonic()))
            if not readable and not writable:
                raise VariantError(f"took longer than {seconds:g} seconds")
            if writable:
                self.say()
            if readable:
                chunk = os.read(output, 65536)
                text += chunk
                if not chunk or (stop_at and text.endswith(stop_at)):
                    return text
        raise VariantError(f"said more than {ANSWER_BYTES} bytes")

    def say(self) -> None:
        """Write what the pipe takes of what is unsaid."""
        try:
            written = os.write(self.process.stdin.fileno(), self.unsaid)
        except BrokenPipeError:
            written = len(self.unsaid)
        self.unsaid = self.unsaid[written:]
        if not self.unsaid:
            self.process.stdin.close()

    def last_words(self) -> str:
        """The last line that the program wrote to stderr."""
        self.errors.seek(0)
        lines = self.errors.read()[-4096:].decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing on stderr"
