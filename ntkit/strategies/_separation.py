"""Tasks, data sets of them, and what learns from these."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import jax
import numpy as np
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from ntkit.separation import (
    Architecture,
    AveragedPolynomial,
    Data,
    DynamicSignal,
    GroupArithmetic,
    HierarchicalPolynomial,
    KernelRidge,
    Learner,
    LeastSquares,
    NoiseGate,
    ProjectedGradient,
    SignalTask,
    StaticSignal,
    Task,
    TwoLayerRelu,
    TwoStep,
    XorClusters,
    cyclic_group,
    dihedral_group,
    direct_product,
)
from ntkit.strategies._seeds import seeds

SIGNALS: tuple[type[SignalTask], ...] = (DynamicSignal, StaticSignal)
TASKS: tuple[type[Task], ...] = (*SIGNALS, XorClusters, HierarchicalPolynomial, AveragedPolynomial, GroupArithmetic)
LEARNERS: tuple[type[Learner], ...] = (TwoStep, ProjectedGradient, KernelRidge, LeastSquares, TwoLayerRelu)
Made = TypeVar("Made")
KLEIN = direct_product(cyclic_group(2), cyclic_group(2))
GROUPS = (cyclic_group(2), cyclic_group(3), KLEIN, cyclic_group(5), dihedral_group(3))
OUTER = ((0.0, 1.0), (0.0, 0.0, 1.0), (1.0, 0.5, 2.0))


@dataclass(frozen=True)
class DistanceKernel:
    """exp(-|x - z|), isotropic for the Euclidean distance only; in NumPy, which compiles no shape."""

    metric: Literal["euclidean", "cityblock"]

    def gram(self, x1: Any, x2: Any) -> Any:
        """The kernel of all pairs of points, shape (n, m), of points of shape (n, dim) and (m, dim)."""
        return np.exp(-cdist(x1, x2, self.metric))


@dataclass(frozen=True)
class DataSet:
    """Labelled inputs of a task, as drawn by `data_sets`.

    Attributes:
        task: their law.
        n: how many there are.
        seed: of the key that they are sampled with.
    """

    task: Task
    n: int
    seed: int

    @property
    def data(self) -> Data:
        """The inputs, float64 of shape (n, patches, dim), and their labels, float64 of shape (n,)."""
        return self.task.sample(jax.random.key(self.seed), self.n)


def signal_tasks(
    kinds: Sequence[type[SignalTask]] = SIGNALS,
    *,
    max_patches: int = 4,
    max_dim: int = 5,
    noises: Sequence[float] = (0.0, 0.01, 0.3, 30.0),
) -> st.SearchStrategy[SignalTask]:
    """A signal in one of some patches: one patch, one pixel, no noise and much more noise than signal among them."""
    patches, dims, noise = st.integers(1, max_patches), st.integers(1, max_dim), st.sampled_from(tuple(noises))
    return st.one_of([st.builds(kind, patches, dims, noise) for kind in kinds])


@st.composite
def tasks(draw: st.DrawFn, kinds: Sequence[type[Task]] = TASKS, *, replacement: Sequence[bool] = (True, False)) -> Task:
    """Tasks of every class: signals as `signal_tasks` draws them; clusters that coincide, with random labels, and linear ones.

    Polynomials and groups are such that labels differ: even polynomials are of inputs in two dimensions or more, and values on
    a group are whole and not negative, so that no sum of them vanishes but one of zeros.

    Args:
        draw: given by hypothesis.
        kinds: classes to draw from.
        replacement: of `GroupArithmetic`, whose data sets are no larger than the square of its order without.
    """
    kind = draw(st.sampled_from(tuple(kinds)))
    if kind is XorClusters:
        flip = draw(st.sampled_from((0.0, 0.1, 0.5)))
        return _made(XorClusters, draw(st.integers(2, 5)), draw(st.sampled_from((0.0, 1.0, 5.0))), flip, draw(st.booleans()))
    if kind is HierarchicalPolynomial:
        degree, outer = draw(st.integers(1, 3)), draw(st.sampled_from(OUTER))
        return _made(HierarchicalPolynomial, draw(st.integers(max(degree, _least_dim(outer)), 6)), degree, outer)
    if kind is AveragedPolynomial:
        patches, outer = draw(st.integers(1, 4)), draw(st.sampled_from(OUTER))
        used = draw(st.none() | st.integers(1, patches))
        return _made(AveragedPolynomial, patches, draw(st.integers(_least_dim(outer), 5)), outer, used)
    if kind is GroupArithmetic:
        table = draw(st.sampled_from(GROUPS))
        others = draw(st.tuples(*[st.integers(0, 3)] * (len(table) - 2)))
        return _made(GroupArithmetic, table, [0, 1, *others], draw(st.sampled_from(tuple(replacement))))
    if issubclass(kind, SignalTask):
        return draw(signal_tasks((kind,)))
    raise ValueError(f"kinds must be of {[known.__name__ for known in TASKS]}, got {kind!r}")


@st.composite
def data_sets(draw: st.DrawFn, of: st.SearchStrategy[Task] | None = None, sizes: Sequence[int] = (1, 2, 7, 20)) -> DataSet:
    """Data sets of tasks, single samples among them; where a task has fewer inputs than `sizes` asks for, all of these."""
    task = draw(tasks() if of is None else of)
    n = draw(st.sampled_from(tuple(sizes)))
    exhaustible = isinstance(task, GroupArithmetic) and not task.replacement
    return DataSet(task, min(n, task.dim**2) if exhaustible else n, draw(seeds()))


@st.composite
def learners(
    draw: st.DrawFn,
    kinds: Sequence[type[Learner]] = LEARNERS,
    *,
    architectures: Sequence[Architecture] = ("fcn", "lcn", "cnn"),
    init_stds: Sequence[float] = (0.0, 0.3),
    readouts: Sequence[float] = (0.0, 0.2),
    from_data: bool = False,
) -> Learner:
    """Learners of every class, small: few units, few steps, no step, rates from 0 to infinity, gates that never open.

    Args:
        draw: given by hypothesis.
        kinds: classes to draw from.
        architectures: of `TwoStep` and `ProjectedGradient`.
        init_stds: of `ProjectedGradient`; (0.0,) leaves out its random starts, under which its symmetry holds in law only.
        readouts: of `ProjectedGradient`; (0.0,) leaves out what is not linear, whose errors are counted on test inputs.
        from_data: whether to draw only what `fit` takes: no second sample for `TwoStep`, no gate that has to know the noise,
            no several ridges for `KernelRidge`.
    """

    def one(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    kind = one(*kinds)
    if kind is LeastSquares:
        return LeastSquares()
    if kind is KernelRidge:
        metric, ridge = one("euclidean", "cityblock"), one(0.1, 10.0, *(() if from_data else ((0.1, 10.0),)))
        return _made(KernelRidge, DistanceKernel(metric), ridge, one(False, True), metric == "euclidean")
    if kind is TwoLayerRelu:
        return _made(TwoLayerRelu, one(2, 6), one(0, 1, 5), one(0.0, 0.5), one("logistic", "squared"), one(1e-3, 1.0))
    architecture = one(*architectures)
    if kind is TwoStep:
        gates = (0.0, 1e-12, 0.31, 1e6, *(() if from_data else (None, NoiseGate(1.0))))
        fresh = False if from_data else one(False, True)
        return _made(TwoStep, architecture, one(*gates), fresh, one(0.0, 0.5, np.inf), one(2, 1))
    if kind is not ProjectedGradient:
        raise ValueError(f"kinds must be of {[known.__name__ for known in LEARNERS]}, got {kind!r}")
    init_std, project = one(*init_stds), one(True, False)
    gates = ((0.0,), (0.0, 0.31), (0.0, 0.0, 0.17), *(((0.1, 0.2),) if init_std else ()))
    return _made(
        ProjectedGradient,
        architecture,
        one(*gates),
        one("correlation", "logistic"),
        one(0.0, 0.5, *((np.inf,) if project else ())),
        scale=one(1.0, 4.0),
        readout=one(*readouts),
        init_std=init_std,
        units=one(1, 2) if architecture == "fcn" and init_std else 1,
        project=project,
    )


def _least_dim(outer: tuple[float, ...]) -> int:
    """1, where inputs are -1 and 1, for polynomials that tell these apart."""
    return 1 if any(outer[1::2]) else 2


def _made(make: Callable[..., Made], *arguments: Any, **options: Any) -> Made:
    """The call, after which `random` is as it was.

    Type checkers such as beartype look at random items of a tuple, and Hypothesis refuses strategies that use `random`.
    """
    state = random.getstate()
    made = make(*arguments, **options)
    random.setstate(state)
    return made
