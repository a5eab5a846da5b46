"""The executor: applies an idea's change to the program that is named on the command line."""

import json
import os
import sys
from pathlib import Path

from program import IdeaError, apply, read_change, read_config, write_config


def execute(program: Path, idea: str) -> str:
    """Change the program as the idea says; the idea's first line describes what was done."""
    source = program.read_text()
    changed = apply(read_config(source), read_change(idea))
    fresh = write_config(source, changed)
    try:
        is_faithful = read_config(fresh) == changed
    except (ValueError, SyntaxError):
        is_faithful = False
    if not is_faithful:
        raise IdeaError("CONFIG holds only numbers, strings, lists and dictionaries")
    program.write_text(fresh)
    return idea.strip().splitlines()[0]


def main() -> None:
    task = json.loads(Path(os.environ.get("EDEN_TASK_JSON", ".eden/task.json")).read_text())
    try:
        outcome = {
            "status": "success",
            "description": execute(Path(sys.argv[1]), Path(task["content_path"]).read_text()),
        }
    except (OSError, ValueError, SyntaxError) as fault:
        outcome = {"status": "error", "description": str(fault)}
    print(f"{outcome['status']}: {outcome['description']}")
    Path(os.environ.get("EDEN_OUTPUT", task["output_path"])).write_text(json.dumps(outcome))


if __name__ == "__main__":
    main()
