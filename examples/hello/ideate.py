"""Propose two numbers near the best one so far. One line of JSON in, a few out."""

import json
import random
import subprocess
import sys

print("ready", flush=True)
task = json.loads(sys.stdin.readline())

# Build on the integrated variant with the smallest error, or on the commit that the experiment began with.
built = [entry for entry in task["history"] if entry.get("variant_commit_sha") and entry.get("evaluation")]
best = min(built, key=lambda entry: entry["evaluation"]["error"], default=None)
parent = best["variant_commit_sha"] if best else "HEAD"
git = ["git", "log", "-1", "--format=%H", parent]
sha = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
guess = float(subprocess.run(["git", "show", f"{sha}:guess.txt"], check=True, capture_output=True, text=True).stdout)

width = best["evaluation"]["error"] if best else 1.0
for _ in range(2):
    number = round(guess + random.gauss(0, width), 9)
    slug = f"try-{abs(number):.4f}".replace(".", "-")
    idea = {"event": "idea", "slug": slug, "priority": 1 - width, "parent_commits": [sha], "content": f"{number}\n"}
    print(json.dumps(idea))
print(json.dumps({"event": "ideation-done"}))
