"""The shim as a program: `python -I -S __main__.py ATTEMPT_DIR`; with `--nursery`, one that forks shims on request."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))  # an isolated interpreter knows the standard library alone

from control_plane.scheduler.shim.attempt import run

if __name__ == "__main__":
    if sys.argv[1] == "--nursery":
        from control_plane.scheduler.shim.nursery import serve

        serve()
    else:
        run(Path(sys.argv[1]))
