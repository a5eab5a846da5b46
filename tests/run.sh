#!/bin/sh
# Runs the tests in two pytest invocations at once: sync Playwright leaves an event loop in the main thread, which async tests
# cannot share, and either of the two waits often enough for the other to use the time. What the browser's said comes at the end.
# The others run on two workers, a file at a time: many of them wait for a process or a lease.
# They keep their order, which ends with many short files: ordered by the number of tests, the longest would come last and alone.
# A worker that dies ends the run: another would begin with the test that killed it, and so would the next, for ever.
# The laws of the house are for `make check`; named in the arguments they are run here, too.
# pytest's exit status 5 (nothing selected) is fine for one of the two, not for both.
#
# What the tests write goes to memory where there is room, because every commit waits for a disk. The settings of the
# databases stay as they are, and nothing is proven less: tests kill processes, never the machine. `make long` uses the disk.
set -u
room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
memory=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null)
if [ -z "${TMPDIR:-}" ] && [ "${room:-0}" -gt 3000000 ] && [ "${memory:-0}" -gt 6000000 ]; then
    export TMPDIR=/dev/shm
fi
pytest=".venv/bin/python -m pytest"
[ $# -gt 0 ] || set -- --ignore=tests/house

said=$(mktemp)
$pytest -m "browser and not long" "$@" >"$said" 2>&1 &
browsing=$!
trap 'kill "$browsing" 2>/dev/null; rm -f "$said"' EXIT
trap 'exit 130' INT TERM # what runs in the background hears no Ctrl-C
rest=0
$pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0 -m "not browser and not long" "$@" || rest=$?
browser=0
wait "$browsing" || browser=$?
cat "$said"

[ "$browser" = 5 ] && [ "$rest" = 5 ] && exit 5
[ "$browser" = 5 ] && browser=0
[ "$rest" = 5 ] && rest=0
[ "$rest" = 0 ] || { [ "$browser" = 0 ] && echo "Tests without a browser failed: see above." >&2; exit "$rest"; }
exit "$browser"
