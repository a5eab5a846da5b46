"""The command as tests call it: as a process, with its output."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SWITCHYARD = (sys.executable, "-m", "store_client.cli")


def switchyard(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [*SWITCHYARD, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)


def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """Start a command that serves, and wait for its ready line."""
    process = subprocess.Popen([*SWITCHYARD, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(10)
        raise AssertionError(f"{arguments} ended with status {process.returncode} before it was ready")
    return process, json.loads(line)


def stop(process: subprocess.Popen[str], seconds: float = 10) -> int:
    """Ask a process to stop; its exit status. Fails when it takes longer."""
    process.terminate()
    try:
        return process.wait(seconds)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
