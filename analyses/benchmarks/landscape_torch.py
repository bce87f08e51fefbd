"""The torch side of `landscape_peers.py`: reads a network and data, runs one task with a torch package, prints JSON.

It imports nothing of ntkit, so that any Python with torch, loss-landscapes and PyHessian runs it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found]
from torch import nn


class Convolutional(nn.Module):  # type: ignore[misc]
    """Two 3 x 3 convolutions with zeros around, each with ReLU and the largest of 2 x 2, then a dense layer; no biases."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.last = nn.Linear(64, 10, bias=False)
        with torch.no_grad():
            for name in ("first", "second"):
                getattr(self, name).weight.copy_(torch.from_numpy(weights[name].transpose(3, 2, 0, 1).copy()))
            self.last.weight.copy_(torch.from_numpy(weights["last"].T.copy()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of images (n, 1, 8, 8)."""
        for layer in (self.first, self.second):
            x = nn.functional.max_pool2d(torch.relu(layer(x)), 2)
        return self.last(x.permute(0, 2, 3, 1).reshape(len(x), -1))  # in the order height, width, channels


def perceptron(weights: dict[str, np.ndarray]) -> nn.Module:
    """Dense layers with tanh between, without biases."""
    layers: list[nn.Module] = []
    for name in sorted(weights):
        layer = nn.Linear(*weights[name].shape, bias=False)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights[name].T.copy()))
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def surface(weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, points: int) -> dict[str, Any]:
    """loss-landscapes: a filter-normalised plane, a point at a time."""
    import loss_landscapes  # type: ignore[import-not-found]
    from loss_landscapes.metrics import Loss  # type: ignore[import-not-found]

    model, metric = Convolutional(weights), Loss(nn.CrossEntropyLoss(), torch.from_numpy(x), torch.from_numpy(y))
    with torch.no_grad():
        centre = float(nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y)))
        loss_landscapes.random_plane(model, metric, 1, 2, normalization="filter", deepcopy_model=True)
        start = time.perf_counter()
        loss_landscapes.random_plane(model, metric, 1, points, normalization="filter", deepcopy_model=True)
    return {"seconds": time.perf_counter() - start, "centre": centre}


def counted(weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[Any, list[int]]:
    """PyHessian's object for the mean cross-entropy, and a count of its Hessian products."""
    module: Any = importlib.import_module("pyhessian.hessian")  # the package has a class of that name

    calls, product = [0], module.hessian_vector_product

    def one_more(*arguments: Any) -> Any:
        calls[0] += 1
        return product(*arguments)

    module.hessian_vector_product = one_more
    data = (torch.from_numpy(x), torch.from_numpy(y))
    return module.hessian(perceptron(weights), nn.CrossEntropyLoss(), data=data, cuda=False), calls


def eigenvalues(weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, count: int) -> dict[str, Any]:
    """PyHessian: the largest eigenvalues by power iteration with deflation."""
    found, calls = counted(weights, x, y)
    torch.manual_seed(0)
    start = time.perf_counter()
    values, _ = found.eigenvalues(maxIter=1000, tol=1e-4, top_n=count)
    return {"seconds": time.perf_counter() - start, "products": calls[0], "values": values}


def traces(weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, runs: int) -> dict[str, Any]:
    """PyHessian: traces by its stopping rule, and the products of each."""
    found, calls = counted(weights, x, y)
    every = []
    for seed in range(runs):
        torch.manual_seed(seed)
        calls[0] = 0
        every.append((float(np.mean(found.trace(maxIter=1000, tol=1e-3))), calls[0]))
    return {"traces": every}


def main() -> None:
    """Run the task of the command line: TASK FILE NUMBER."""
    task, file, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(1)
    with np.load(file) as saved:
        weights = {name.removeprefix("w_"): saved[name] for name in saved.files if name.startswith("w_")}
        x, y = saved["x"], saved["y"]
    print(json.dumps({"surface": surface, "eigenvalues": eigenvalues, "traces": traces}[task](weights, x, y, number)))


if __name__ == "__main__":
    main()
