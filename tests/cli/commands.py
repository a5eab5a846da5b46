"""The command as tests call it, with its output: as a process, or in this one where that is not what is tested."""

import json
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from store_client.cli import main

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
SWITCHYARD = (sys.executable, "-m", "store_client.cli")


def switchyard(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [*SWITCHYARD, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)


def invoked(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end in this process; what it does not foresee fails the test."""
    done = CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """Start a command that serves, and wait for its ready line."""
    process = subprocess.Popen([*SWITCHYARD, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    has_come, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
    line = process.stdout.readline() if has_come else ""
    if not line:
        stop(process)
        raise AssertionError(f"{arguments} was not ready in time: its status is {process.returncode}")
    return process, json.loads(line)


def stop(process: subprocess.Popen[str], seconds: float = 60) -> int:
    """Ask a process to stop; its exit status. Fails when it takes longer."""
    process.terminate()
    try:
        return process.wait(seconds)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
