#!/bin/sh
# Fetches Chromium where it may: Debian's package as root, else Playwright's own. Without one the browser tests skip visibly, and in CI fail.
set -u

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done

playwrights_own() {
    .venv/bin/python -c '
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())' 2>/dev/null
}
playwrights_own && exit 0

echo "Fetching Chromium for the browser tests …" >&2
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null && exit 0
fi
timeout 300 .venv/bin/playwright install chromium >/dev/null 2>&1 && exit 0

echo "No Chromium could be fetched: install one (Debian: apt-get install chromium) to run the browser tests." >&2
[ "${CI:-}" = true ] && exit 1
exit 0
