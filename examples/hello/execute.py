"""Write the number that the idea proposes into guess.txt."""

import json
from pathlib import Path

task = json.loads(Path(".eden/task.json").read_text())
idea = Path(task["content_path"]).read_text().strip()
guess = Path("guess.txt")

if guess.read_text().strip() == idea:
    outcome = {"status": "error", "description": f"guess.txt already says {idea}"}
else:
    guess.write_text(f"{idea}\n")
    outcome = {"status": "success", "description": f"try {idea}"}
Path(task["output_path"]).write_text(json.dumps(outcome))
