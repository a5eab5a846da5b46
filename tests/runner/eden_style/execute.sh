# Adds a part; merges the other parents of its idea first, commits, and says which commit it made.
set -e
field() { python3 -c 'import json, os, sys; print(eval(sys.argv[1], {"task": json.load(open(os.environ["EDEN_TASK_JSON"]))}))' "$1"; }
for parent in $(field '" ".join(task["parent_commits"][1:])'); do
    git merge --quiet --no-edit "$parent"
done
cp "$(field 'task["content_path"]')" "parts/$(field 'task["idea_slug"]').txt"
git add parts
git commit --quiet -m "$(field 'task["idea_slug"]')"
printf '{"status": "success", "commit_sha": "%s", "description": "one part more"}' "$(git rev-parse HEAD)" >"$EDEN_OUTPUT"
