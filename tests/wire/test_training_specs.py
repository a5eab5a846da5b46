"""Training specs at ARC's addresses: they hold together as a whole, and an id means one of them."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.wire.store_app import WireApp
from tests.wire.trainings import JOB, changed, create, say_of, schedule


@pytest.fixture
def app(training_app: WireApp) -> WireApp:
    return training_app


async def test_a_spec_is_stored_whole_and_the_same_again_changes_nothing(app: WireApp) -> None:
    made = await create(app)
    assert made.status_code == 201
    spec = made.json()["experiment_spec"]
    assert (spec["novelty_class"], spec["priority"], spec["gpu_allocation"], spec["schema_version"]) == (
        "exploit", 5, "auto", 1,
    )  # fmt: skip
    assert (await create(app)).json() == made.json()


async def test_an_id_that_has_another_spec_is_refused(app: WireApp) -> None:
    await create(app)
    assert "another spec exp-007" in say_of(await create(app, description="Something else"), 409)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "step without a size": ({"hyperparameters__scheduler": {}}, "step_size"),
    "step without a size, said": ({"hyperparameters__scheduler": {"type": "step"}}, "step_size"),
    "plateau without patience": ({"hyperparameters__scheduler": {"type": "plateau"}}, "patience"),
    "splits with a default": ({"dataset__train_split": 0.5, "dataset__val_split": 0.2}, "together are 0.8"),
    "beta of one": ({"hyperparameters__optimizer__beta1": 1}, "beta1"),
    "beta below zero": ({"hyperparameters__optimizer__beta2": -0.1}, "beta2"),
    "rate of zero": ({"hyperparameters__optimizer__learning_rate": 0}, "learning_rate"),
    "unknown key": ({"learning_rte": 1}, "learning_rte"),
    "unknown key, deep": ({"hyperparameters__optimizer__lr": 1}, "lr"),
    "id as a path": ({"experiment_id": "../../etc"}, "experiment_id"),
    "id with a slash": ({"experiment_id": "a/b"}, "experiment_id"),
    "id with a line": ({"experiment_id": "a\n"}, "experiment_id"),
    "empty id": ({"experiment_id": ""}, "experiment_id"),
    "path upwards": ({"dataset__data_path": "data/../../secrets"}, "data_path"),
    "priority 11": ({"priority": 11}, "priority"),
    "number as text": ({"priority": "7"}, "priority"),
    "training of a second": ({"max_training_time": 1}, "max_training_time"),
    "unknown novelty": ({"novelty_class": "bold"}, "novelty_class"),
    "its own parent": ({"parent_experiment_id": "exp-007"}, "parent"),
    "custom of nothing": ({"architecture__family": "custom"}, "custom_config"),
    "steps of one order": (
        {"preprocessing": {"chain_id": "c", "steps": [{"type": "crop", "order": 1}, {"type": "resize", "order": 1}]}},
        "same order",
    ),
    "two chains": ({"preprocessing": {"chain_id": "c"}, "dataset__preprocessing_chain_id": "d"}, "preprocessing"),
    "another version": ({"schema_version": 2}, "schema_version"),
}


async def test_a_spec_that_does_not_hold_together_is_refused_by_name(app: WireApp) -> None:
    for name, (changes, said) in REFUSED.items():
        assert said in say_of(await create(app, **changes), 400), name


async def test_steps_are_kept_in_their_order(app: WireApp) -> None:
    chain = {"chain_id": "c", "steps": [{"type": "crop", "order": 2}, {"type": "resize", "order": 0}]}
    made = await create(app, preprocessing=chain)
    assert [step["type"] for step in made.json()["experiment_spec"]["preprocessing"]["steps"]] == ["resize", "crop"]


CONTRADICTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "two limits": (changed(JOB, timeout=60), {}, "one limit"),
    "two limits by default": (changed(JOB, timeout=7200), {}, "one limit"),
    "two GPUs": (changed(JOB, gpu_id=0, experiment_spec__gpu_allocation="gpu1"), {}, "gpu_allocation"),
    "GPU 8": (changed(JOB, gpu_id=8), {}, "gpu_id"),
    "four retries": (changed(JOB, max_retries=4), {}, "max_retries"),
    "checkpoints outside": (changed(JOB, checkpoint_dir="/checkpoints"), {}, "checkpoint_dir"),
    "logs above": (changed(JOB, log_dir="logs/../.."), {}, "log_dir"),
    "unknown key": ({**JOB, "gpu": 1}, {}, "gpu"),
    "priority 11": (JOB, {"priority": 11}, "priority"),
    "empty argv": (JOB, {"command": []}, "command"),
    "shell text as argv": (JOB, {"command": "rm -rf /"}, "command"),
}


async def test_a_schedule_that_contradicts_itself_is_refused(app: WireApp) -> None:
    for name, (config, more, said) in CONTRADICTIONS.items():
        assert said in say_of(await schedule(app, config, **more), 400), name


async def test_the_published_schemas_say_what_is_taken(app: WireApp) -> None:
    names = (await app.http.get("/api/schemas")).json()
    assert {"ExperimentSpec", "TrainingJobConfig", "ExperimentResult"} <= set(names)
    schemas = {name: (await app.http.get(f"/api/schemas/{name}")).json() for name in names}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schemas["TrainingJobConfig"])
    assert check.is_valid(changed(JOB, experiment_spec__hyperparameters={"optimizer": {"learning_rate": 0.1}}))
    assert not check.is_valid({**JOB, "gpu": 1})
    assert say_of(await app.http.get("/api/schemas/Nothing"), 404)
