"""What the metrics of a form would score, before they are handed in."""

from dataclasses import dataclass

from store_client import ExperimentDetail, objective_value
from web_ui.forms.evaluation import EvaluationForm, measured_so_far
from web_ui.scores import is_untold


@dataclass(frozen=True)
class Preview:
    """A score, and how far it is from what there is; `fault` says why there is none."""

    value: float | None
    over_baseline: float | None
    over_best: float | None
    fault: str = ""


def preview(experiment: ExperimentDetail, form: EvaluationForm) -> Preview:
    """The objective of what is entered so far."""
    if is_untold(experiment):
        return Preview(None, None, None, "This console was not told what the experiment scores by.")
    metrics = measured_so_far(form, experiment.evaluation_schema)
    value = objective_value(experiment.objective.expr, metrics)
    if value is None:
        fault = f"The objective is {experiment.objective.expr}; what is entered does not give it a value."
        return Preview(None, None, None, fault)
    return Preview(value, _over(value, experiment.baseline), _over(value, experiment.best))


def _over(value: float, other: float | None) -> float | None:
    return None if other is None else value - other
