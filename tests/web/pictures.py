"""Pictures of every page, full and empty, at three widths, light and dark: to be looked at and not kept."""

import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from playwright.sync_api import sync_playwright

from tests.browsers import QUIET, executable
from tests.web.furnished_serving import FurnishedServed, served_furnished

Scheme = Literal["light", "dark"]
WIDTHS = (360, 1280, 1920)


def take(house: FurnishedServed, folder: Path) -> int:
    """Write the pictures into a folder; how many there are."""
    taken = 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(playwright), args=list(QUIET))
        for width, scheme in product(WIDTHS, get_args(Scheme)):
            context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = house.enter(context.new_page())
            for name, address in house.pages():
                page.goto(address)
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                taken += 1
            context.close()
        chromium.close()
    return taken


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".pictures")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, served_furnished(Path(data)) as house:
        taken = take(house, folder)
    sys.stdout.write(f"{taken} pictures are in {folder}\n")


if __name__ == "__main__":
    main()
