"""Where the ideas come from: the space of configurations, small moves in it, and fresh draws from it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from program import Config, Draft

PROGRAM = "train.py"
QUICK_SECONDS = 2.0
TRAINING_IMAGES = 1200
WIDTHS = (16, 32, 64, 128, 256)
RATES = {"sgd": (0.03, 0.5), "momentum": (0.003, 0.1), "adam": (0.0003, 0.01)}
LADDERS: dict[str, tuple[Any, ...]] = {
    "filters": (0, 8, 16, 24, 32, 48),
    "activation": ("relu", "tanh"),
    "schedule": ("constant", "cosine"),
    "epochs": (10, 15, 20, 30, 40, 60),
    "batch": (16, 32, 64, 128),
    "weight_decay": (0.0, 0.00001, 0.0001, 0.001),
    "dropout": (0.0, 0.1, 0.2, 0.3, 0.5),
    "shift": (0, 1, 2),
    "noise": (0.0, 0.05, 0.1, 0.2),
    "smoothing": (0.0, 0.05, 0.1),
    "members": (1, 2, 3),
}


@dataclass(frozen=True)
class Kind:
    """A kind of idea: the keys it may change, and why that can help."""

    keys: tuple[str, ...]
    why: str


KINDS = {
    "architecture": Kind(("filters", "hidden", "activation"), "the shape of the network limits what it can tell apart"),
    "optimiser": Kind(("optimiser",), "another way downhill may end in a better place"),
    "training": Kind(("rate", "schedule", "epochs", "batch"), "the steps may be too large, too small or too few"),
    "augmentation": Kind(("shift", "noise"), "unseen hands write differently, so training should see more variety"),
    "regularisation": Kind(("weight_decay", "dropout", "smoothing"), "it may know the training digits too well"),
    "ensemble": Kind(("members",), "networks that err differently correct one another"),
}


def mutate(config: Config, promise: Callable[[str], float], rng: random.Random) -> Draft:
    """A move from this configuration, of a kind drawn by its promise."""
    while True:
        name = rng.choices(list(KINDS), [promise(name) for name in KINDS])[0]
        change = near(config, rng.choice(KINDS[name].keys), rng)
        if {**config, **change} != config and is_quick({**config, **change}):
            return draft(name, KINDS[name].why, config, change)


def restart(config: Config, rng: random.Random) -> Draft:
    """A configuration drawn at random, whatever came before."""
    while True:
        optimiser = rng.choice(list(RATES))
        drawn = {key: rng.choice(ladder) for key, ladder in LADDERS.items()}
        hidden = [rng.choice(WIDTHS) for _ in range(rng.randint(0, 2))]
        drawn |= {"hidden": hidden, "optimiser": optimiser, "rate": draw_rate(optimiser, rng)}
        if is_quick({**config, **drawn}):
            return draft("restart", "the best so far may stand on the wrong hill", config, drawn)


def draft(kind: str, why: str, config: Config, change: Config) -> Draft:
    moves = [f"`{key}` from {config[key]} to {value}" for key, value in change.items()]
    told = "Draw a whole new configuration" if kind == "restart" else "Change " + " and ".join(moves)
    names = ("optimiser", "filters", "hidden") if kind == "restart" else tuple(change)
    detail = " ".join(f"{key} {change[key] or 'none'}" for key in names).replace("optimiser ", "")
    return Draft(kind, detail, f"{told}: {why}.", {"set": change})


def near(config: Config, key: str, rng: random.Random) -> Config:
    """A small change of one key."""
    if key == "hidden":
        return {key: near_hidden(config[key], rng)}
    if key == "optimiser":
        optimiser = rng.choice([name for name in RATES if name != config[key]])
        return {key: optimiser, "rate": draw_rate(optimiser, rng)}
    if key == "rate":
        return {key: rounded(config[key] * 10 ** rng.gauss(0, 0.25))}
    ladder = LADDERS[key]
    place = min(range(len(ladder)), key=lambda rung: distance(ladder[rung], config[key]))
    return {key: ladder[max(0, min(len(ladder) - 1, place + rng.choice((-1, 1))))]}


def near_hidden(hidden: list[int], rng: random.Random) -> list[int]:
    """One layer more, one less, or one of another width."""
    acts = ["add"] * (len(hidden) < 3) + ["drop", "resize"] * bool(hidden)
    act, place = rng.choice(acts), rng.randrange(len(hidden) or 1)
    kept = hidden[:place] + hidden[place + (act != "add") :]
    return kept if act == "drop" else [*kept[:place], rng.choice(WIDTHS), *kept[place:]]


def distance(rung: Any, value: Any) -> float:
    return float(rung != value) if isinstance(rung, str) else abs(rung - value)


def draw_rate(optimiser: str, rng: random.Random) -> float:
    low, high = RATES[optimiser]
    return rounded(low * (high / low) ** rng.random())


def rounded(rate: float) -> float:
    return float(f"{rate:.2g}")


def is_quick(config: Config) -> bool:
    """Whether training should end within the seconds that an idea is worth; the judge would stop it much later."""
    steps = -(-TRAINING_IMAGES // config["batch"])
    widths = [16 * config["filters"] or 64, *config["hidden"], 10]
    weights = sum(inputs * outputs for inputs, outputs in pairwise(widths))
    epoch = steps * 0.00025 + TRAINING_IMAGES * (config["filters"] * 8.5e-7 + weights * 2e-10)
    return config["members"] * config["epochs"] * epoch < QUICK_SECONDS
