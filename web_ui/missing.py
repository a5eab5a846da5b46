"""Experiments that a page cannot be drawn of, each in its own way: told apart, so that each can be told."""

from store_client import ExperimentSummary


class CannotShow(Exception):
    """An experiment was asked for, and there is nothing of it to draw."""


class NoSuchExperiment(CannotShow):
    """The URL names an experiment that this deployment does not have; `known` are those it has."""

    def __init__(self, named: str, known: tuple[ExperimentSummary, ...] = ()) -> None:
        super().__init__(named)
        self.named, self.known = named, known


class StaleSelection(CannotShow):
    """What the session selected is gone, or this person's no more; `known` are those that are left."""

    def __init__(self, selected: str, known: tuple[ExperimentSummary, ...] = ()) -> None:
        super().__init__(f"the experiment {selected} was deleted, or is not open to you any more")
        self.selected, self.known = selected, known


class Unseeded(CannotShow):
    """The control plane registers it, and the task store has nothing of it."""

    def __init__(self, name: str, experiment_id: str) -> None:
        who = experiment_id if name == experiment_id else f"{name} ({experiment_id})"
        super().__init__(f"the control plane registers {who}, but the task store has nothing of it yet")


class ConfigInvalid(CannotShow):
    """The config that this console was given for it cannot be read."""

    def __init__(self, file: str, fault: str) -> None:
        super().__init__(f"{file}: {fault}")


class ConfigMissing(CannotShow):
    """The directory of configs that this console was given holds none of the experiment."""

    def __init__(self, experiment_id: str, folder: str) -> None:
        super().__init__(f"there is no {experiment_id}.yaml in {folder}, where this console was told to find configs")
