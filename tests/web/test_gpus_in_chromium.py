"""The page of the GPUs in a real browser: readable everywhere, current without events, and whole without script."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from control_plane.scheduler.gpus import Gpu, MigDevice
from control_plane.scheduler.operations import views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import GPU_UNITS, Slot
from control_plane.scheduler.rules.standing import Held, Seen
from tests.browsers import OpenPage
from tests.web.serving import Served, served_world

pytestmark = pytest.mark.browser
GIB = 1 << 30
GPU = Gpu("GPU-00000001-aaaa", 0, "550.54", "NVIDIA H100 80GB HBM3", 80 * GIB, 61 * GIB, 93, 51, 123.4)
CUT = Gpu("GPU-c", 1, mig_devices=(MigDevice("MIG-1", 0, "H100 MIG 1g.10gb", 10 * GIB, GIB),), is_mig=True)
FOREIGN = Seen(
    "foreign", "59 GiB held by process 4711 (blender of eve)", processes=(Held(4711, 59 * GIB, (), "eve", "blender"),)
)


async def look(served: Served, gpu: Gpu = GPU) -> None:
    slots = (Slot(gpu.uuid, "gpu", state="foreign", units=GPU_UNITS, index=0), Slot("MIG-1", "mig", index=1))
    view = View("", slots, (gpu, CUT), {gpu.uuid: FOREIGN, "MIG-1": Seen("lost", "it has vanished")})
    await served.world.parts.house.write(lambda tx: views.save(tx, view))


@pytest.fixture
def served(tmp_path: Path, sqlite_url: str) -> Iterator[Served]:
    with served_world(tmp_path) as running:
        running.run(partial(look, running))
        yield running


def _faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_gpus_fit_their_width_and_read_well(served: Served, open_page: OpenPage, scheme: str, width: int) -> None:
    page = served.sign_in(open_page(viewport={"width": width, "height": 900}, color_scheme=scheme), "/gpus")
    page.evaluate("document.querySelectorAll('details.confirm').forEach(one => one.open = true)")
    assert _faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_readings_stay_current_although_no_event_tells_of_them(served: Served, open_page: OpenPage) -> None:
    page = served.sign_in(open_page(), "/gpus")
    expect(page.locator("[data-live=gpus]")).to_contain_text("51 °C")
    served.run(partial(look, served, replace(GPU, temperature_celsius=77)))
    expect(page.locator("[data-live=gpus]")).to_contain_text("77 °C")


def test_a_gpu_is_kept_back_and_given_out_again_without_script(served: Served, open_page: OpenPage) -> None:
    page = served.sign_in(open_page(java_script_enabled=False), "/gpus")
    card = page.locator(".gpu").first
    card.locator("summary", has_text="Quarantine").click()
    card.get_by_label("Why").last.fill("the fan rattles")
    card.get_by_role("button", name="Quarantine GPU 0").click()
    expect(page.locator(".messages")).to_contain_text("It is quarantined")
    expect(card).to_contain_text("The fan rattles. Kept back by an administrator")
    card.get_by_role("button", name="Give GPU 0 out again").click()
    expect(card).to_contain_text("foreign")
