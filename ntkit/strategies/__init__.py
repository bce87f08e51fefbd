"""Hypothesis strategies for property tests: convolution layers, points, images, networks, tasks and what learns them.

What is drawn is small, integers and a seed, and shapes are few, because every new shape compiles; arrays and networks are
made from it when they are asked for. A failing example prints as the numbers that rebuild it.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError("ntkit.strategies needs hypothesis: install the extra ntkit[test]", name="hypothesis") from error

from ntkit.strategies._data import Images, ImageStyle, PointStyle, Sphere, images, spheres
from ntkit.strategies._kernels import Chain, Recipe, networks
from ntkit.strategies._lipschitz import Perceptron, PerceptronStyle, perceptrons
from ntkit.strategies._orthoconv import Convolution, KernelStyle, architectures, convolutions
from ntkit.strategies._seeds import seeds
from ntkit.strategies._separation import DataSet, DistanceKernel, data_sets, learners, signal_tasks, tasks

__all__ = [
    "Chain",
    "Convolution",
    "DataSet",
    "DistanceKernel",
    "ImageStyle",
    "Images",
    "KernelStyle",
    "Perceptron",
    "PerceptronStyle",
    "PointStyle",
    "Recipe",
    "Sphere",
    "architectures",
    "convolutions",
    "data_sets",
    "images",
    "learners",
    "networks",
    "perceptrons",
    "seeds",
    "signal_tasks",
    "spheres",
    "tasks",
]
