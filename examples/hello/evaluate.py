"""Score guess.txt by how far its square is from 2."""

import json
import math
from pathlib import Path

task = json.loads(Path(".eden/eval-task.json").read_text())
try:
    error = abs(float(Path("guess.txt").read_text()) ** 2 - 2)
except (OSError, ValueError, OverflowError):
    error = math.nan

if math.isfinite(error):
    outcome = {"status": "success", "evaluation": {"error": error}}
else:
    outcome = {"status": "error", "evaluation": {}, "description": "guess.txt holds no number"}
print(outcome)
Path(task["output_path"]).write_text(json.dumps(outcome))
