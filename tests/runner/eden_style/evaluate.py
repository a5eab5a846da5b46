"""Counts the parts of exactly the commit that it is given."""

import json
import os
import subprocess
from pathlib import Path

task = json.loads(Path(os.environ["EDEN_TASK_JSON"]).read_text())
listing = ["git", "ls-tree", "--name-only", task["commit_sha"], "parts/"]
found = subprocess.run(listing, cwd=os.environ["EDEN_WORKTREE"], check=True, capture_output=True, text=True)
notes = Path(os.environ["EDEN_ARTIFACT_PATH_ROOT"], "notes.txt")
notes.write_text(found.stdout)
evaluation = {"parts": found.stdout.count(".txt")}
outcome = {"status": "success", "evaluation": evaluation, "artifacts_uri": notes.as_uri()}
Path(os.environ["EDEN_OUTPUT"]).write_text(json.dumps(outcome))
