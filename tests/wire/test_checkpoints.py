"""Checkpoints over HTTP (protocol §10): out as a stream, in as a stream, and every refusal by its name."""

import io
import json
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from store_client.wire.checkpoints import MEDIA_TYPE
from tests.store.task_house import ulid
from tests.store.vault import changed, essence, pack, rows_of, unpack, with_rows
from tests.wire.live import ADMIN_TOKEN
from tests.wire.store_app import WireApp

IMPORT = "/v0/checkpoints/import"
ADMIN = {"Authorization": f"Bearer admin:{ADMIN_TOKEN}"}
NEAR_AND_FAR = pytest.mark.parametrize(
    "app", ["in_process-sqlite", pytest.param("live-postgresql", marks=pytest.mark.postgres)], indirect=True
)
"""What depends on neither database nor distance is shown once of each."""


async def export(app: WireApp) -> bytes:
    response = await app.call("admin", "POST", "v0:checkpoint")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    return response.content


async def load(app: WireApp, archive: bytes, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    said = {"content-type": MEDIA_TYPE, **ADMIN} | (headers or {})
    return await app.http.post(IMPORT, content=archive, headers=said, params=query)


async def refused(app: WireApp, archive: bytes, headers: dict[str, str] | None = None, **query: str) -> tuple[str, str]:
    """The problem type of a refused import, and what it says."""
    problem = (await load(app, archive, headers, **query)).json()
    return problem["type"].removeprefix("eden://error/"), problem["detail"]


def credentials(made: dict[str, Any]) -> Path:
    """The file with the new credentials that an import names."""
    return next(Path(words.rsplit(" ", 1)[1]) for words in made["warnings"] if words.startswith("credentials-reissued"))


async def work(app: WireApp) -> str:
    """A claimed task, a submitted one, and an idea with a deposited file; the file's address."""
    files = {"file": ("why.md", b"because", "text/markdown")}
    uri = (await app.call("ann", "POST", "v0:artifacts", files=files)).json()["artifacts_uri"]
    base = "b" * 40
    idea = {
        "idea_id": "i",
        "experiment_id": app.store.experiment_id,
        "slug": "why",
        "priority": 2,
        "artifacts_uri": uri,
    }
    await app.post(
        "v0:ideas", idea | {"parent_commits": [base], "state": "drafting", "created_at": "2026-01-01T00:00:00Z"}
    )
    await app.post("v0:ideas/i/mark-ready")
    for task_id in ("held", "handed-in"):
        times = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z")
        payload = {"experiment_id": app.store.experiment_id}
        body = {"task_id": task_id, "kind": "ideation", "state": "pending", "payload": payload, **times}
        await app.post("v0:tasks", body, "orchestrators")
        await app.post(f"v0:tasks/{task_id}/claim", {}, "bob")
    await app.post("v0:tasks/handed-in/submit", {"payload": {"status": "success", "idea_ids": ["i"]}}, "bob")
    return str(uri)


async def test_an_experiment_comes_back_under_a_new_id_with_everything_it_had(app: WireApp) -> None:
    uri = await work(app)
    archive = await export(app)
    response = await load(app, archive)
    assert response.status_code == 201, response.text
    made = response.json()
    assert set(made) == {"experiment_id", "warnings"}
    assert made["experiment_id"] != app.store.experiment_id
    there = ADMIN | {"X-Eden-Experiment-Id": made["experiment_id"]}
    again = await app.http.post(f"/v0/experiments/{made['experiment_id']}/checkpoint", headers=there)
    before, after = unpack(archive), unpack(again.content)
    assert essence(before) == essence(after)
    experiment = (await app.http.get(f"/v0/experiments/{made['experiment_id']}", headers=there)).json()
    manifest = json.loads(before["manifest.json"])
    assert experiment["imported_from"] == {
        "checkpoint_exported_at": manifest["exported_at"],
        "checkpoint_format_version": "1",
        "source_experiment_id": app.store.experiment_id,
    }
    idea = (await app.http.get(f"/v0/experiments/{made['experiment_id']}/ideas/i", headers=there)).json()
    assert idea["artifacts_uri"] != uri
    file = await app.http.get(
        f"/v0/experiments/{made['experiment_id']}/artifacts", params={"uri": idea["artifacts_uri"]}, headers=there
    )
    assert (file.content, file.headers["content-type"]) == (b"because", "text/markdown")
    assert 'filename="why.md"' in file.headers["content-disposition"]


async def test_a_claimed_task_starts_over_and_a_submitted_one_can_be_accepted(app: WireApp) -> None:
    await work(app)
    made = (await load(app, await export(app))).json()
    place = credentials(made)
    assert place.stat().st_mode & 0o777 == 0o600
    tokens = json.loads(place.read_text())["registration_tokens"]
    assert set(tokens) == {app.store.id_of(name) for name in ("ann", "bob", "eve", "orchestrators", "admins")}
    base = f"/v0/experiments/{made['experiment_id']}"

    def by(name: str) -> dict[str, str]:
        worker_id = app.store.id_of(name)
        bearer = f"Bearer {worker_id}:{tokens[worker_id]}"
        return {"Authorization": bearer, "X-Eden-Experiment-Id": made["experiment_id"]}

    old = {**by("bob"), "Authorization": f"Bearer {app.store.id_of('bob')}:{app.store.tokens['bob']}"}
    assert (await app.http.get(f"{base}/tasks/held", headers=old)).status_code == 401
    held = (await app.http.get(f"{base}/tasks/held", headers=by("bob"))).json()
    assert (held["state"], "claim" in held) == ("pending", False)
    assert (await app.http.post(f"{base}/tasks/held/claim", json={}, headers=by("eve"))).status_code == 200
    handed_in = (await app.http.get(f"{base}/tasks/handed-in", headers=by("bob"))).json()
    assert (handed_in["state"], handed_in["submitted_by"]) == ("submitted", app.store.id_of("bob"))
    accepted = await app.http.post(f"{base}/tasks/handed-in/accept", headers=by("orchestrators"))
    assert accepted.status_code == 200, accepted.text
    events = (await app.http.get(f"{base}/events", headers=by("ann"))).json()["events"]
    assert [event["type"] for event in events][-1] == "task.completed"
    assert {event["experiment_id"] for event in events} == {made["experiment_id"]}


@NEAR_AND_FAR
async def test_an_archive_is_one_folder_with_exactly_what_belongs_there(app: WireApp) -> None:
    await work(app)
    archive = await export(app)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = tar.getnames()
    assert len({name.partition("/")[0] for name in names}) == 1
    parts = unpack(archive)
    files = json.loads(parts["manifest.json"])["files"]
    folder = files.pop("artifacts_dir")
    own = {path for path in parts if path.startswith(folder + "/")}
    assert set(parts) == {"manifest.json", *files.values(), *own}
    assert len(own) == 1
    counts = json.loads(parts["manifest.json"])["counts"]
    assert counts == {name: len(rows_of(parts, name)) for name in counts}
    assert app.store.tokens["ann"].encode() not in archive


@NEAR_AND_FAR
async def test_only_the_admin_bearer_exports_and_imports(app: WireApp) -> None:
    assert "admin" in await app.refused("forbidden", "admins", "POST", "v0:checkpoint")
    worker = app.headers("admins")
    assert (await refused(app, b"", {"Authorization": worker["Authorization"]}))[0] == "forbidden"
    assert (await refused(app, b"", {"Authorization": "Bearer nobody:x"}))[0] == "unauthorized"
    assert await app.refused("bad-request", "admin", "POST", "v0:checkpoint", params={"format_version": "2"})
    missing = await app.http.post(f"/v0/experiments/exp_{ulid(9)}/checkpoint", headers=ADMIN)
    assert missing.status_code in {400, 404}


@NEAR_AND_FAR
async def test_an_import_lands_where_the_override_says_and_nowhere_else(app: WireApp) -> None:
    archive = await export(app)
    wish = f"exp_{app.store.experiment_id[-20:]}000000"
    assert (await refused(app, archive, as_experiment_id="exp_UPPER"))[0] == "bad-request"
    assert (await refused(app, archive, as_experiment_id=app.store.experiment_id))[0] == "experiment-id-conflict"
    header = {"X-Eden-Experiment-Id": app.store.experiment_id}
    assert (await refused(app, archive, header))[0] == "experiment-id-mismatch"
    assert (await refused(app, archive, header, as_experiment_id=wish))[0] == "experiment-id-mismatch"
    made = await load(app, archive, {"X-Eden-Experiment-Id": wish}, as_experiment_id=wish)
    assert made.status_code == 201, made.text
    assert made.json()["experiment_id"] == wish
    assert (await refused(app, archive, as_experiment_id=wish))[0] == "experiment-id-conflict"
    listed = (await app.http.get("/v0/control/experiments", headers=ADMIN)).json()["experiments"]
    assert wish in {entry["experiment_id"] for entry in listed}


@NEAR_AND_FAR
async def test_versions_are_refused_before_anything_else_is_looked_at(app: WireApp) -> None:
    parts = unpack(await export(app))
    manifest = json.loads(parts["manifest.json"])

    def saying(**changes: Any) -> bytes:
        return pack({"manifest.json": json.dumps(manifest | changes).encode()})

    kind, detail = await refused(app, saying(checkpoint_format_version="2"))
    assert (kind, "format '2'" in detail) == ("unsupported-checkpoint-version", True)
    kind, detail = await refused(app, saying(spec_version="v1"))
    assert (kind, "migration" in detail) == ("spec-version-mismatch", True)
    assert (await refused(app, saying(checkpoint_format_version=1)))[0] == "checkpoint-invalid"


@NEAR_AND_FAR
async def test_what_is_wrong_is_named_with_its_file_and_line(app: WireApp) -> None:
    await work(app)
    parts = unpack(await export(app))
    tasks = rows_of(parts, "tasks")
    faults = {
        "tasks.jsonl line 1": changed(parts, "tasks", lambda row: row.pop("kind")),
        "tasks.jsonl line 2": with_rows(parts, "tasks", [tasks[0], tasks[0]]),
        "ideas.jsonl is missing": {path: content for path, content in parts.items() if path != "ideas.jsonl"},
        "events.jsonl line 1": {**parts, "events.jsonl": b"\n" + parts["events.jsonl"]},
        "submissions.jsonl line 1": {**parts, "submissions.jsonl": parts["submissions.jsonl"].rstrip(b"\n")},
        "is not in the archive": {path: content for path, content in parts.items() if not path.startswith("artifacts")},
    }
    for words, wrong in faults.items():
        kind, detail = await refused(app, pack(wrong))
        assert (kind, words in detail) == ("checkpoint-invalid", True), detail
    assert (await refused(app, b"no tar at all"))[0] == "checkpoint-invalid"
    assert (await refused(app, b""))[0] == "checkpoint-invalid"


@NEAR_AND_FAR
async def test_a_terminated_experiment_stays_terminated_with_its_guards(app: WireApp) -> None:
    await work(app)
    await app.post("v0:terminate", {"reason": "enough"}, "admins")
    made = (await load(app, await export(app))).json()
    there = ADMIN | {"X-Eden-Experiment-Id": made["experiment_id"]}
    base = f"/v0/experiments/{made['experiment_id']}"
    assert (await app.http.get(f"{base}/state", headers=there)).json() == {"state": "terminated"}
    detail = (await app.http.get(f"/api/experiments/{made['experiment_id']}", headers=there)).json()
    assert (detail["status"], detail["end_reason"]) == ("completed", "enough")
    place = credentials(made)
    token = json.loads(place.read_text())["registration_tokens"][app.store.id_of("bob")]
    bob = {**there, "Authorization": f"Bearer {app.store.id_of('bob')}:{token}"}
    refusal = (await app.http.post(f"{base}/tasks/held/claim", json={}, headers=bob)).json()
    assert refusal["type"] == "eden://error/illegal-transition"


@NEAR_AND_FAR
async def test_reserved_groups_are_there_once_and_hold_who_they_held(app: WireApp) -> None:
    parts = unpack(await export(app))
    twice = rows_of(parts, "groups")
    admins = next(group for group in twice if group["name"] == "admins")
    twice.append({**admins, "group_id": "grp_" + ulid(77), "members": [app.store.id_of("eve")]})
    for groups, held in ((twice, {"admins", "eve"}), ([], set())):
        made = (await load(app, pack(with_rows(parts, "groups", groups)))).json()
        there = ADMIN | {"X-Eden-Experiment-Id": made["experiment_id"]}
        base = f"/v0/experiments/{made['experiment_id']}/groups"
        for name in ("admins", "orchestrators"):
            found = (await app.http.get(base, params={"name": name}, headers=there)).json()["groups"]
            assert len(found) == 1
        found = (await app.http.get(base, params={"name": "admins"}, headers=there)).json()["groups"]
        assert set(found[0]["members"]) == {app.store.id_of(name) for name in held}


@NEAR_AND_FAR
async def test_a_body_of_unknown_length_is_read_to_its_end(app: WireApp) -> None:
    archive = await export(app)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(archive), 1000):
            yield archive[start : start + 1000]

    response = await app.http.post(IMPORT, content=pieces(), headers=ADMIN)
    assert response.status_code == 201, response.text
    assert (await load(app, archive[: len(archive) // 4])).status_code == 400


@NEAR_AND_FAR
async def test_the_experiments_own_admins_and_the_deployments_do_the_same_through_the_console(app: WireApp) -> None:
    response = await app.call("admins", "POST", "api:checkpoints")
    assert response.status_code == 200, response.text
    assert (await app.call("ann", "POST", "api:checkpoints")).status_code == 403
    loaded = await app.http.post("/api/checkpoints", content=response.content, headers=ADMIN)
    assert loaded.status_code == 201, loaded.text
    assert (await app.get("api:checkpoints", "admins")) == {"checkpoints": []}
    assert (await app.call("admins", "GET", "api:checkpoints/none.tar")).status_code == 404
