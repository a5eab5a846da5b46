"""The JSON Schemas of what ARC's clients send and get."""

from typing import Any

from pydantic import BaseModel

from store_client.errors import NotFound
from store_client.wire import arc, trainings

PUBLISHED: dict[str, type[BaseModel]] = {
    kind.__name__: kind
    for kind in (
        arc.PreprocessingStep, arc.PreprocessingChain, arc.OptimizerConfig, arc.SchedulerConfig,
        arc.HyperparameterConfig, arc.ArchitectureConfig, arc.DatasetConfig, arc.ExperimentSpec, arc.TrainingJobConfig,
        trainings.MetricResult, trainings.CheckpointInfo, trainings.TrainingReport, trainings.ExperimentResult,
    )
}  # fmt: skip


def names() -> tuple[str, ...]:
    return tuple(sorted(PUBLISHED))


def schema(name: str) -> dict[str, Any]:
    """One schema with all that it refers to."""
    if name not in PUBLISHED:
        raise NotFound(f"no schema is called {name}; GET /api/schemas lists them")
    return PUBLISHED[name].model_json_schema()
