#!/bin/sh
# Runs the tests in pytest invocations of two kinds at once: sync Playwright leaves an event loop in the main thread, which async
# tests cannot share, and each of them waits often enough for the others to use the time.
# Most run on two workers, a file at a time: many of them wait for a process or a lease.
# They keep their order, which ends with many short files: ordered by the number of tests, the longest would come last and alone.
# A worker that dies ends the run: another would begin with the test that killed it, and so would the next, for ever.
# Beside them run the browser's, and after those the ones of deployments, worker hosts and clusters, which wait the longest: as
# many processes are at work from the first test to the last. What they said comes at the end.
# The laws of the house are for `make check`; named in the arguments they are run here, too.
# pytest's exit status 5 (nothing selected) is fine for one of the two kinds, not for both.
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
pages= after= apart=
if [ $# -eq 0 ]; then
    set -- --ignore=tests/house
    # Only these are read for the browser; tests/browsers.py refuses a test of the browser that would be passed over.
    pages=$(grep -rl --include='test_*.py' --exclude-dir=house 'mark\.browser' tests | sort)
    after="tests/acceptance tests/runner tests/slurm"
    for each in $after; do
        apart="$apart --ignore=$each"
    done
fi

# One run after the other in the background; whoever ends this ends the run that goes on.
beside() {
    trap 'kill "$running"; exit 143' TERM
    status=0
    running=
    $pytest -m "browser and not long" ${pages:-"$@"} &
    running=$!
    wait "$running" || status=$?
    if [ -n "$after" ]; then
        $pytest -m "not browser and not long" $after &
        running=$!
        wait "$running" || status=1
    fi
    exit "$status"
}

said=$(mktemp)
beside "$@" >"$said" 2>&1 &
beside=$!
trap 'kill "$beside" 2>/dev/null; rm -f "$said"' EXIT
trap 'exit 130' INT TERM
most=0
$pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0 -m "not browser and not long" \
    $apart "$@" || most=$?
others=0
wait "$beside" || others=$?
cat "$said"

[ "$others" = 5 ] && [ "$most" = 5 ] && exit 5
[ "$others" = 5 ] && others=0
[ "$most" = 5 ] && most=0
[ "$most" = 0 ] || { [ "$others" = 0 ] && echo "Tests on the two workers failed: see above." >&2; exit "$most"; }
exit "$others"
