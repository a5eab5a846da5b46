"""Pack 26 circles into the unit square: the one program that the variants of this experiment change.

It prints one line of JSON: a list of [x, y, radius]. CONFIG holds a layout to start from and the steps that are taken
from there, in order. A step that does not make the sum of the radii larger is undone.
"""

import json
from typing import Any

import numpy as np
from scipy.optimize import linprog

CONFIG: dict[str, Any] = {
    "layout": "grid",
    "columns": 6,
    "seed": 0,
    "steps": [],
}

COUNT = 26
SAFETY = 1e-10
FIRST, SECOND = np.triu_indices(COUNT, 1)
TOTAL = np.repeat([0.0, 0.0, -1.0], COUNT)
ONES, NONE = np.eye(COUNT), np.zeros((COUNT, COUNT))
WALLS = np.block([[-ONES, NONE, ONES], [NONE, -ONES, ONES], [ONES, NONE, ONES], [NONE, ONES, ONES]])

Points = np.ndarray[Any, np.dtype[np.float64]]
Circles = np.ndarray[Any, np.dtype[np.float64]]


def lay_out(config: dict[str, Any]) -> Circles:
    """The layout that the configuration names, every circle as large as all of them can be at once."""
    places = np.arange(COUNT)
    columns = config["columns"]
    column, row = places % columns, places // columns
    if config["layout"] == "grid":
        points = np.column_stack([(column + 0.5) / columns, (row + 0.5) / columns])
    elif config["layout"] == "staggered":
        points = np.column_stack([(column + 0.25 + 0.5 * (row % 2)) / columns, (row + 0.5) / (row.max() + 1)])
    else:
        points = np.random.default_rng(config["seed"]).uniform(0.05, 0.95, (COUNT, 2))
    nearest = np.hypot(*(points[FIRST] - points[SECOND]).T).min()
    wall = np.column_stack([points, 1 - points]).min()
    return np.column_stack([points, np.full(COUNT, min(nearest / 2, wall) - SAFETY)])


def settle(circles: Circles, step: dict[str, Any]) -> Circles:
    """Let the circles push one another about for some rounds, none further than `reach` in each."""
    for _ in range(step["rounds"]):
        circles = push(circles, step["reach"])
    return circles


def shake(circles: Circles, step: dict[str, Any]) -> Circles:
    """Throw every circle off its place by about `size`, then settle."""
    noise = np.random.default_rng(step["seed"]).normal(0, step["size"], (COUNT, 2))
    return settle(free(circles[:, :2] + noise), step)


def rehome(circles: Circles, step: dict[str, Any]) -> Circles:
    """Take the smallest circle to the roomiest of a hundred random places, then settle."""
    smallest = circles[:, 2].argmin()
    others = np.delete(circles, smallest, axis=0)
    places = np.random.default_rng(step["seed"]).uniform(0.02, 0.98, (100, 2))
    room = (np.linalg.norm(places[:, None] - others[None, :, :2], axis=2) - others[:, 2]).min(axis=1)
    points = circles[:, :2].copy()
    points[smallest] = places[room.argmax()]
    return settle(free(points), step)


def free(points: Points) -> Circles:
    """The points inside the square, as circles of no size that are yet to grow."""
    inside = points.clip(0.01, 0.99)
    return np.column_stack([inside, np.zeros(COUNT)])


def push(circles: Circles, reach: float) -> Circles:
    """One linear program: move every centre by at most `reach` so that the sum of the radii grows the most.

    A pair is kept apart along its present direction. The true distance is never less, so the result is a packing.
    """
    points = circles[:, :2]
    apart = points[FIRST] - points[SECOND]
    distances = np.hypot(*apart.T).clip(1e-9)
    ways = apart / distances[:, None]
    pairs = np.arange(len(FIRST))
    limits = np.zeros((len(FIRST) + 4 * COUNT, 3 * COUNT))
    for axis in (0, 1):
        limits[pairs, FIRST + axis * COUNT], limits[pairs, SECOND + axis * COUNT] = -ways[:, axis], ways[:, axis]
    limits[pairs, FIRST + 2 * COUNT] = limits[pairs, SECOND + 2 * COUNT] = 1
    limits[len(FIRST) :] = WALLS
    room = np.concatenate([distances, points[:, 0], points[:, 1], 1 - points[:, 0], 1 - points[:, 1]])
    bounds = [(-reach, reach)] * (2 * COUNT) + [(0, 0.5)] * COUNT
    found = linprog(TOTAL, A_ub=limits, b_ub=room, bounds=bounds, method="highs")
    if found.status:
        return circles
    moved = found.x.reshape(3, COUNT).T
    return np.column_stack([points + moved[:, :2], moved[:, 2]])


def shrink(circles: Circles) -> Circles:
    """The circles, a hair smaller where the linear program's rounding let them touch."""
    points, radii = circles[:, :2], circles[:, 2]
    over = radii[FIRST] + radii[SECOND] - np.hypot(*(points[FIRST] - points[SECOND]).T)
    worst = np.zeros(COUNT)
    for ends in (FIRST, SECOND):
        np.maximum.at(worst, ends, over / 2)
    wall = np.column_stack([points, 1 - points]).min(axis=1)
    return np.column_stack([points, np.minimum(radii - worst, wall) - SAFETY])


def pack(config: dict[str, Any]) -> Circles:
    """The layout after its steps."""
    best = lay_out(config)
    moves = {"settle": settle, "shake": shake, "rehome": rehome}
    for step in config["steps"]:
        tried = shrink(moves[step["move"]](best, step))
        if tried[:, 2].min() > 0 and tried[:, 2].sum() > best[:, 2].sum():
            best = tried
    return best


if __name__ == "__main__":
    print(json.dumps(pack(CONFIG).tolist()))
