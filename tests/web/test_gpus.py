"""The page of the GPUs: what each reads, who is on it, and keeping one back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from control_plane.scheduler.fleet_tables import gpu_samples, node_views
from control_plane.scheduler.gpus import Gpu, MigDevice
from control_plane.scheduler.operations import attempts, views
from control_plane.scheduler.operations.views import View
from control_plane.scheduler.rules.board import GPU_UNITS, Grant, Placement, Slot
from control_plane.scheduler.rules.standing import Held, Seen
from store_client import ExperimentDetail, GpuHistory, GpuSample, JobDetail, SubmitJob
from store_client.wire.scalars import format_time
from tests.web.reading import page, says, words
from tests.web.world import World
from web_ui.filters import NOTHING
from web_ui.gpu_charts import HEIGHT, WIDTH, Stretch, gpu_chart

GIB = 1 << 30
FREE = Gpu("GPU-free", 0, "550.54", "H200", 141 * GIB, 1 * GIB, 7, 51, 123.4)
TAKEN = Gpu("GPU-taken", 1, name="H200", memory_total_bytes=141 * GIB, memory_used_bytes=90 * GIB)
CUT = Gpu("GPU-cut", 2, name="H100", mig_devices=(MigDevice("MIG-1", 0, "MIG 1g.10gb", 10 * GIB, 0),), is_mig=True)
SLOTS = (
    *(Slot(gpu.uuid, "gpu", units=GPU_UNITS, index=gpu.index) for gpu in (FREE, TAKEN)),
    Slot("MIG-1", "mig", index=2, profile="1g.10gb"),
    Slot("cpu:0", "cpu"),
)


async def look(world: World, **parts: Seen) -> None:
    """The scheduler writes down what it sees."""
    seen = {name.replace("_", "-"): part for name, part in parts.items()}
    await world.parts.house.write(lambda tx: views.save(tx, View("", SLOTS, (FREE, TAKEN, CUT), seen)))


async def on(world: World, experiment: ExperimentDetail, slot_id: str, units: int) -> JobDetail:
    """A job that holds a part of a GPU."""
    body = SubmitJob(name="train", command=("/bin/true",))
    job = await world.store(experiment.experiment_id).submit_job(body)
    grants = (Grant(slot_id, tuple(range(units))),)
    await world.parts.house.write(lambda tx: attempts.place(tx, Placement(job.job_id, grants)))
    return job


def card(answer: httpx.Response, uuid: str) -> str:
    found = page(answer).find("section", {"aria-labelledby": f"gpu-{uuid}"})
    assert found is not None, uuid
    return words(found)


async def test_each_gpu_shows_its_readings_and_who_is_on_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await on(world, hello, "GPU-free", 4)
    mine = Held(4711, 20 * GIB, ((job.job_id, 1),), "bob", "python")
    theirs = Held(4712, 60 * GIB, (), "eve", "blender")
    await look(
        world,
        GPU_free=Seen("usable", processes=(mine, theirs)),
        GPU_taken=Seen("foreign", "60 GiB held by process 4712", processes=(theirs,)),
    )
    shown = await browser_of_admin.get("/gpus")
    assert "3 slots: 1 at work, 1 free, 1 used by others." in says(shown)
    first = card(shown, "GPU-free")
    for fact in ("GPU 0", "H200", "ours", "7 %", "1.1 GB of 151 GB", "51 °C", "123 W", "550.54"):
        assert fact in first
    assert f"{job.number} train 4 of 12 parts · 21 GB" in first
    assert "blender, process 4712 of eve 64 GB · not ours" in first
    second = card(shown, "GPU-taken")
    assert "foreign" in second
    assert "60 GiB held by process 4712." in second
    assert "°C" not in second
    third = card(shown, "GPU-cut")
    assert "in slices" in third
    assert "1g.10gb" in third
    link = page(shown).select_one(f'a[href="/queue/{job.job_id}"]')
    assert link is not None


async def test_a_machine_without_gpus_says_what_happens_then(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    assert "Nobody has looked yet" in says(await browser_of_admin.get("/gpus"))
    await world.parts.house.write(lambda tx: views.save(tx, View("", SLOTS[-1:])))
    shown = says(await browser_of_admin.get("/gpus"))
    assert "There is no GPU here." in shown
    assert "jobs run on the 1 CPU slot here" in shown


async def test_readings_that_nobody_renews_are_said_to_be_old(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    await look(world)
    assert "no scheduler looks" not in says(await browser_of_admin.get("/gpus"))
    then = format_time(datetime.now(UTC) - timedelta(minutes=3))
    await world.parts.house.write(lambda tx: tx.connection.execute(update(node_views).values(seen_at=then)).close())
    assert "These readings are 3 min old: no scheduler looks now." in says(await browser_of_admin.get("/gpus"))


async def test_an_administrator_keeps_a_gpu_back_and_gives_it_out_again(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    await look(world)
    await browser_of_admin.post("/gpus/quarantine?gpu=GPU-free", data={"reason": " "})
    assert "Say why" in says(await browser_of_admin.get("/gpus"))
    gone = await browser_of_admin.post("/gpus/quarantine?gpu=GPU-free", data={"reason": "the fan rattles"})
    assert gone.headers["location"] == "/gpus"
    shown = await browser_of_admin.get("/gpus")
    assert "It is quarantined" in says(shown)
    assert "quarantined The fan rattles. Kept back by an administrator" in card(shown, "GPU-free")
    assert page(shown).select('form[action="/gpus/quarantine?gpu=GPU-free"]') == []
    await browser_of_admin.post("/gpus/readmit?gpu=GPU-free")
    assert "free" in card(await browser_of_admin.get("/gpus"), "GPU-free")
    await browser_of_admin.post("/gpus/drain?gpu=MIG-1", data={})
    assert "draining To be free soon." in card(await browser_of_admin.get("/gpus"), "GPU-cut")


@pytest.mark.parametrize("act", ["quarantine", "drain", "readmit"])
async def test_who_is_no_administrator_looks_and_changes_nothing(world: World, act: str) -> None:
    await look(world)
    bob = await world.person("Bob")
    assert page(await bob.get("/gpus")).select('form[action^="/gpus/"]') == []
    assert (await bob.post(f"/gpus/{act}?gpu=GPU-free", data={"reason": "x"})).status_code == 403


async def test_a_gpu_of_a_cluster_has_its_machines_name_and_is_kept_back_like_any(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    name = "n1/gpu:0"
    view = View("n1", (Slot(name, "gpu", node="n1"),), (Gpu(name, 0),), {name: Seen("usable")})
    await world.parts.house.write(lambda tx: views.save(tx, view))
    shown = await browser_of_admin.get("/gpus")
    assert "GPU 0 of n1" in card(shown, name)
    form = page(shown).select_one('form[action^="/gpus/quarantine"]')
    assert form is not None
    await browser_of_admin.post(str(form["action"]), data={"reason": "odd"})
    assert "quarantined Odd." in card(await browser_of_admin.get("/gpus"), name)


async def test_a_gpu_that_is_gone_is_said_to_be(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    assert (await browser_of_admin.post("/gpus/readmit?gpu=GPU-gone")).status_code == 404


async def test_what_was_read_before_is_drawn_with_a_table_behind_it(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    await look(world)
    now = datetime.now(UTC)
    rows = [
        {"slot_id": "GPU-free", "at": format_time(now - timedelta(minutes=ago)), "jobs": [3], "memory_used_bytes": GIB}
        for ago in (5, 200)
    ]
    await world.parts.house.write(lambda tx: tx.connection.execute(insert(gpu_samples), rows).close())
    for query, count in (("&minutes=60", 1), ("&minutes=360", 2), ("&minutes=x", 2)):
        table = page(await browser_of_admin.get(f"/gpus?gpu=GPU-free{query}")).select(".chart-table tbody tr")
        assert [words(row.find_all("td")[2]) for row in table] == ["1.1 GB"] * count


async def test_the_courses_of_all_gpus_come_with_one_answer(world: World, browser_of_admin: httpx.AsyncClient) -> None:
    await look(world)
    now = datetime.now(UTC)
    read = ((5, 61, 300.0), (200, 44, None))
    rows: list[dict[str, Any]] = [
        {"slot_id": uuid, "at": format_time(now - timedelta(minutes=ago)), "jobs": [], "temperature_celsius": heat}
        | {"power_watts": power}
        for uuid in ("GPU-free", "GPU-taken")
        for ago, heat, power in read
    ]
    await world.parts.house.write(lambda tx: tx.connection.execute(insert(gpu_samples), rows).close())
    world.line.calls.clear()
    shown = await browser_of_admin.get("/gpus?minutes=60")
    assert "Highest here 61 °C · 300 W" in card(shown, "GPU-free")
    assert len(page(shown).select(".gpu-history path.is-heat")) == 2
    assert [call for call in world.line.calls if "/gpus" in call] == ["GET /api/scheduler/gpus"]


async def test_very_many_gpus_are_tiles_and_the_one_that_is_opened_is_a_card(
    world: World, browser_of_admin: httpx.AsyncClient
) -> None:
    gpus = tuple(Gpu(f"GPU-{index}", index, None, "H100", 80 * GIB, GIB, 50) for index in range(64))
    slots = tuple(Slot(gpu.uuid, "gpu", units=GPU_UNITS, index=gpu.index) for gpu in gpus)
    await world.parts.house.write(lambda tx: views.save(tx, View("", slots, gpus, {})))
    shown = await browser_of_admin.get("/gpus")
    assert len(page(shown).select(".tile")) == 64
    assert page(shown).select("section.gpu") == []
    assert len(shown.content) < 100_000
    opened = await browser_of_admin.get("/gpus?gpu=GPU-7")
    assert "GPU 7" in card(opened, "GPU-7")
    form = page(opened).select_one('form[action^="/gpus/drain"]')
    assert form is not None
    assert "No job runs there now." in words(form)
    done = await browser_of_admin.post(str(form["action"]), data={"reason": "fan"})
    assert done.headers["location"] == "/gpus?gpu=GPU-7"
    assert len(page(await browser_of_admin.get("/queue")).select(".tile")) == 64


async def test_a_shared_gpu_shows_who_has_which_part_of_it(
    world: World, hello: ExperimentDetail, browser_of_admin: httpx.AsyncClient
) -> None:
    job = await on(world, hello, "GPU-free", 4)
    await look(world)
    shown = await browser_of_admin.get("/gpus")
    drawn = page(shown).select(".gpu-parts rect title")
    assert [words(one) for one in drawn] == [f"job {job.number}: 4 of 12 parts"]
    assert f"{job.number} train 4 of 12 parts · Hello" in card(shown, "GPU-free")
    assert f"Job {job.number} goes on to its end there." in card(shown, "GPU-free")


def sample(seconds: int, load: float | None, memory: int | None = None) -> GpuSample:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC) - timedelta(seconds=seconds)
    return GpuSample(at=format_time(at), utilisation_percent=load, memory_used_bytes=memory)


def test_lines_have_gaps_where_nothing_was_read() -> None:
    stretch = Stretch(datetime(2026, 1, 1, 12, tzinfo=UTC), 60)
    known = (sample(3600, 0), sample(3585, 100), sample(15, 50), sample(0, None))
    drawn = gpu_chart(GpuHistory(uuid="x", seconds_apart=15, samples=known), None, stretch)
    assert drawn is not None
    assert drawn.load == f"M0.0 {HEIGHT - 3}.0h.1L1.2 3.0M{WIDTH - 1.2:.1f} {HEIGHT / 2:.1f}h.1"
    assert drawn.memory == ""
    assert [row.load for row in drawn.rows] == [NOTHING, "50 %", "100 %", "0 %"]
    assert gpu_chart(GpuHistory(uuid="x", seconds_apart=15, samples=(sample(0, None),)), None, stretch) is None
