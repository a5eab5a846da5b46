"""A child that lives as long as its host lets it: one request a line, ideas and their end in answer."""

import json
import sys


def say(event: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


say("ready")
for line in sys.stdin:
    request = json.loads(line)
    if request["event"] != "ideation":
        continue
    done = [entry for entry in request["history"] if entry.get("variant_commit_sha") and entry.get("slug")]
    if len(done) < 2:
        task = request["task_id"]
        say("idea", slug=f"part-{task[-6:].lower()}", priority=1.0, content=f"part of {task}\n")
    else:
        parents = [entry["variant_commit_sha"] for entry in done[:2]]
        say("idea", slug="both", priority=2.0, parent_commits=parents, content="both parts, and one more\n")
    say("ideation-done")
