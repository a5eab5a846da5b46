"""A program that does not end is ended, with all it started."""

import os
import runpy
import time
from pathlib import Path
from typing import Any

import pytest

from tests.examples.host import EXAMPLES


@pytest.fixture(scope="module")
def exam() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / "digits" / "exam.py"))


def program(folder: Path, text: str) -> Path:
    file = folder / "program.py"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [
        ("import time; time.sleep(600)", (0.5, 60), "took longer than 0.5 seconds"),
        ("print('ready', flush=True); input()\nwhile True: print('x' * 1000)", (60, 60), "said more than"),
        ("import time; print('ready', flush=True); time.sleep(600)", (60, 0.5), "took longer than 0.5 seconds"),
        ("print('steady', flush=True)", (60, 60), "did not start"),
    ],
)
def test_a_program_has_so_much_time_and_no_more(
    exam: dict[str, Any], tmp_path: Path, text: str, seconds: tuple[float, float], reason: str
) -> None:
    began = time.monotonic()
    with pytest.raises(exam["VariantError"], match=reason):
        exam["Exam"](program(tmp_path, text), start_seconds=seconds[0], answer_seconds=seconds[1]).ask("x" * 1_000_000)
    assert time.monotonic() - began < 60


def test_no_process_is_left_behind(exam: dict[str, Any], tmp_path: Path) -> None:
    endless = program(tmp_path, "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)")
    with pytest.raises(exam["VariantError"]) as caught:
        exam["Exam"](endless, start_seconds=60).ask("question")
    assert "did not start" in str(caught.value)
    assert not [child for child in children() if "program.py" in child]


def children() -> list[str]:
    """The command lines of this process's children, as far as /proc shows them."""
    files = Path("/proc").glob("[0-9]*/stat")
    ours = [file.parent for file in files if parent_of(file) == os.getpid()]
    return [(folder / "cmdline").read_text() for folder in ours]


def parent_of(stat: Path) -> int | None:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def test_the_time_for_imports_is_not_counted(exam: dict[str, Any], tmp_path: Path) -> None:
    slow = program(tmp_path, "import time; time.sleep(1); print('ready', flush=True); print(input().upper())")
    answer, seconds = exam["Exam"](slow).ask("well")
    assert answer == "WELL\n"
    assert seconds < 1
