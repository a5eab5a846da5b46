"""Train a classifier of handwritten digits: the one program that the variants of this experiment change.

The judge starts it, waits for the line "ready", and then gives it one line of JSON on stdin:
`images` and `labels` to learn from, and `questions`, images without labels. It answers with one line of JSON on
stdout: `probabilities`, a row of ten for every question, and `parameters`, how many numbers it learned.
"""

import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

CONFIG: dict[str, Any] = {
    "filters": 0,
    "hidden": [],
    "activation": "relu",
    "optimiser": "sgd",
    "rate": 0.1,
    "schedule": "constant",
    "epochs": 40,
    "batch": 32,
    "weight_decay": 0.0,
    "dropout": 0.0,
    "shift": 0,
    "noise": 0.0,
    "smoothing": 0.0,
    "members": 1,
    "seed": 1,
}

# The host names the GPUs of a job. Importing PyTorch takes seconds, so it is left alone where there are none.
torch = import_module("torch") if os.environ.get("CUDA_VISIBLE_DEVICES") and find_spec("torch") else None
HAS_GPU = torch is not None and torch.cuda.is_available()

SIDE = 8
CLASSES = 10
Array = np.ndarray[Any, np.dtype[np.float32]]


class Dense:
    """Every input to every output."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int) -> None:
        scale = np.sqrt(2 / inputs)
        self.weights = [(rng.standard_normal((inputs, outputs)) * scale).astype(np.float32)]
        self.weights.append(np.zeros(outputs, np.float32))
        self.slopes = [np.zeros_like(weight) for weight in self.weights]

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        return inputs @ self.weights[0] + self.weights[1]

    def backward(self, slope: Array) -> Array:
        self.slopes = [self.inputs.T @ slope, slope.sum(axis=0)]
        return slope @ self.weights[0].T


class Patches:
    """The 3 x 3 neighbourhood of every pixel, through one dense layer, then the largest of each 2 x 2 square."""

    def __init__(self, rng: np.random.Generator, filters: int, activation: str) -> None:
        self.dense = Dense(rng, 9, filters)
        self.bend = Bend(activation)
        self.weights, self.slopes = self.dense.weights, self.dense.slopes

    def forward(self, inputs: Array) -> Array:
        padded = np.pad(inputs.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
        near = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2)).reshape(-1, 9)
        half, filters = SIDE // 2, self.weights[0].shape[1]
        seen = self.bend.forward(self.dense.forward(near)).reshape(-1, half, 2, half, 2, filters)
        largest = seen.max(axis=(2, 4), keepdims=True)
        self.chosen = seen == largest
        return largest.reshape(len(inputs), -1)

    def backward(self, slope: Array) -> Array:
        count, half, filters = len(slope), SIDE // 2, self.weights[0].shape[1]
        spread = slope.reshape(count, half, 1, half, 1, filters) * self.chosen
        self.dense.backward(self.bend.backward(spread.reshape(-1, filters)))
        self.slopes = self.dense.slopes
        return slope


class Bend:
    """The activation between two layers."""

    def __init__(self, activation: str) -> None:
        self.activation = activation
        self.weights: list[Array] = []
        self.slopes: list[Array] = []

    def forward(self, inputs: Array) -> Array:
        self.outputs = np.tanh(inputs) if self.activation == "tanh" else np.maximum(inputs, 0)
        return self.outputs

    def backward(self, slope: Array) -> Array:
        return slope * (1 - self.outputs**2 if self.activation == "tanh" else self.outputs > 0)


class Dropout:
    """Forgets a share of its inputs while training."""

    def __init__(self, share: float, rng: np.random.Generator) -> None:
        self.share, self.rng = share, rng
        self.weights: list[Array] = []
        self.slopes: list[Array] = []

    def forward(self, inputs: Array) -> Array:
        self.mask = (self.rng.random(inputs.shape, np.float32) >= self.share) / np.float32(1 - self.share)
        return inputs * self.mask

    def backward(self, slope: Array) -> Array:
        return slope * self.mask


def build(config: dict[str, Any], rng: np.random.Generator) -> list[Any]:
    """The layers that the configuration names."""
    layers: list[Any] = []
    inputs = SIDE * SIDE
    if config["filters"]:
        layers.append(Patches(rng, config["filters"], config["activation"]))
        inputs = config["filters"] * (SIDE // 2) ** 2
    for width in config["hidden"]:
        layers += [Dense(rng, inputs, width), Bend(config["activation"]), Dropout(config["dropout"], rng)]
        inputs = width
    return [*layers, Dense(rng, inputs, CLASSES)]


def softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def forward(layers: list[Any], inputs: Array) -> Array:
    for layer in layers:
        inputs = layer.forward(inputs)
    return softmax(inputs)


def augment(images: Array, config: dict[str, Any], rng: np.random.Generator) -> Array:
    """The images, each moved by up to `shift` pixels, with `noise` added."""
    reach = config["shift"]
    if reach:
        grid = np.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (reach, reach), (reach, reach)))
        windows = np.lib.stride_tricks.sliding_window_view(grid, (SIDE, SIDE), axis=(1, 2))
        moves = rng.integers(0, 2 * reach + 1, (2, len(images)))
        images = windows[np.arange(len(images)), moves[0], moves[1]].reshape(len(images), -1)
    if config["noise"]:
        images = images + config["noise"] * rng.standard_normal(images.shape, np.float32)
    return images


def batches(count: int, config: dict[str, Any], rng: np.random.Generator) -> Iterator[tuple[float, Any]]:
    """The learning rate and the indices of every step."""
    steps = -(-count // config["batch"])
    for epoch in range(config["epochs"]):
        order = rng.permutation(count)
        for step in range(steps):
            done = (epoch + step / steps) / config["epochs"]
            rate = config["rate"] * (0.5 + 0.5 * np.cos(np.pi * done) if config["schedule"] == "cosine" else 1)
            yield rate, order[step * config["batch"] : (step + 1) * config["batch"]]


class Optimiser:
    """Steps down a slope: plainly, with momentum, or scaled by how large the slope has been (Adam)."""

    def __init__(self, kind: str, weights: list[Array]) -> None:
        self.kind, self.weights, self.steps = kind, weights, 0
        self.first = [np.zeros_like(weight) for weight in weights]
        self.second = [np.zeros_like(weight) for weight in weights]

    def step(self, slopes: list[Array], rate: float) -> None:
        self.steps += 1
        for index, slope in enumerate(slopes):
            self.weights[index] -= np.float32(rate) * self.direction(index, slope)

    def direction(self, index: int, slope: Array) -> Array:
        if self.kind == "sgd":
            return slope
        if self.kind == "momentum":
            self.first[index] = 0.9 * self.first[index] + slope
            return self.first[index]
        self.first[index] = 0.9 * self.first[index] + 0.1 * slope
        self.second[index] = 0.999 * self.second[index] + 0.001 * slope**2
        mean = self.first[index] / (1 - 0.9**self.steps)
        return mean / (np.sqrt(self.second[index] / (1 - 0.999**self.steps)) + 1e-7)


def fit(images: Array, targets: Array, config: dict[str, Any], rng: np.random.Generator) -> list[Any]:
    """One trained network, which forgets nothing any more."""
    layers = build(config, rng)
    optimiser = Optimiser(config["optimiser"], [weight for layer in layers for weight in layer.weights])
    for rate, chosen in batches(len(images), config, rng):
        guess = forward(layers, augment(images[chosen], config, rng))
        slope = (guess - targets[chosen]) / len(chosen)
        for layer in reversed(layers):
            slope = layer.backward(slope)
        slopes = [slope for layer in layers for slope in layer.slopes]
        for index, weight in enumerate(optimiser.weights):
            slopes[index] = slopes[index] + config["weight_decay"] * weight
        optimiser.step(slopes, rate)
    return [layer for layer in layers if not isinstance(layer, Dropout)]


def answer_with_numpy(config: dict[str, Any], images: Array, targets: Array, questions: Array) -> tuple[Array, int]:
    """The mean answer of `members` networks, and how many parameters they have."""
    rng = np.random.default_rng(config["seed"])
    members = [fit(images, targets, config, rng) for _ in range(config["members"])]
    parameters = sum(weight.size for layers in members for layer in layers for weight in layer.weights)
    return np.mean([forward(layers, questions) for layers in members], axis=0), parameters


def answer_with_torch(config: dict[str, Any], images: Array, targets: Array, questions: Array) -> tuple[Array, int]:
    """The same networks, trained by PyTorch on the GPU."""
    device = torch.device("cuda" if HAS_GPU else "cpu")
    torch.manual_seed(config["seed"])
    rng = np.random.default_rng(config["seed"])
    answers, parameters = [], 0
    for _ in range(config["members"]):
        network = build_with_torch(config).to(device)
        fit_with_torch(network, images, targets, config, rng)
        with torch.no_grad():
            scores = network.eval()(torch.from_numpy(questions).to(device))
        answers.append(scores.double().softmax(dim=1).cpu().numpy())
        parameters += sum(weight.numel() for weight in network.parameters())
    return np.mean(answers, axis=0), parameters


def build_with_torch(config: dict[str, Any]) -> Any:
    """The network that `build` makes, as PyTorch's layers."""
    bend = torch.nn.Tanh if config["activation"] == "tanh" else torch.nn.ReLU
    layers: list[Any] = []
    inputs = SIDE * SIDE
    if config["filters"]:
        layers += [torch.nn.Unflatten(1, (1, SIDE, SIDE)), torch.nn.Conv2d(1, config["filters"], 3, padding=1), bend()]
        layers += [torch.nn.MaxPool2d(2), torch.nn.Flatten()]
        inputs = config["filters"] * (SIDE // 2) ** 2
    for width in config["hidden"]:
        layers += [torch.nn.Linear(inputs, width), bend(), torch.nn.Dropout(config["dropout"])]
        inputs = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, CLASSES))


def fit_with_torch(
    network: Any, images: Array, targets: Array, config: dict[str, Any], rng: np.random.Generator
) -> None:
    """Train the network, with the same batches and augmentation as `fit`."""
    device = next(network.parameters()).device
    optimiser = torch_optimiser(network, config)
    for rate, chosen in batches(len(images), config, rng):
        optimiser.param_groups[0]["lr"] = float(rate)
        scores = network(torch.from_numpy(augment(images[chosen], config, rng)).to(device))
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(scores, torch.from_numpy(targets[chosen]).to(device)).backward()
        optimiser.step()


def torch_optimiser(network: Any, config: dict[str, Any]) -> Any:
    decay = config["weight_decay"]
    if config["optimiser"] == "adam":
        return torch.optim.Adam(network.parameters(), weight_decay=decay, betas=(0.9, 0.99))
    momentum = 0.9 if config["optimiser"] == "momentum" else 0.0
    return torch.optim.SGD(network.parameters(), lr=config["rate"], momentum=momentum, weight_decay=decay)


def main() -> None:
    print("ready", flush=True)
    given = json.loads(sys.stdin.readline())
    images, questions = (np.asarray(given[name], np.float32) / 16 for name in ("images", "questions"))
    smoothing = CONFIG["smoothing"]
    targets = np.eye(CLASSES, dtype=np.float32)[given["labels"]] * (1 - smoothing) + smoothing / CLASSES
    answer = answer_with_torch if HAS_GPU else answer_with_numpy
    probabilities, parameters = answer(CONFIG, images, targets.astype(np.float32), questions)
    print(json.dumps({"probabilities": probabilities.tolist(), "parameters": parameters}))


if __name__ == "__main__":
    main()
