"""How many samples an architecture needs: tasks, learners, and the search for the number of samples.

    task = DynamicSignal(patches=16, dim=16384, noise=0.3 / 4)           # a signal in one of 16 patches
    samples_needed(TwoStep("cnn"), task, 0.01, key=key)                  # for 1 % test error, with an interval
    scaling(patches, needs, per=noise**2), sum_or_product(k, d, needs)   # how that grows

Tasks (`Task`): `DynamicSignal` and `StaticSignal`, `XorClusters`, `HierarchicalPolynomial`, `AveragedPolynomial`,
`GroupArithmetic`. Learners (`Learner`): `TwoStep`, by the exact law of what two gradient steps see; `ProjectedGradient`, on
data in full; `KernelRidge`, `LeastSquares`, `TwoLayerRelu`. Each states its group; `equivariance_gap` measures it. A task or a
learner of one's own is a class with one method.

A hidden unit that learns a group's product: `NodeEnergy`, with the groups' tables and `irreducible_blocks`.
"""

from ntkit.separation._activation import gate, soft_threshold
from ntkit.separation._cell import two_step_needed
from ntkit.separation._clusters import XorClusters
from ntkit.separation._crossing import crossing
from ntkit.separation._group_task import GroupArithmetic
from ntkit.separation._groups import (
    Block,
    alternating_group,
    cyclic_group,
    dihedral_group,
    direct_product,
    irreducible_blocks,
    quaternion_group,
    symmetric_group,
)
from ntkit.separation._kernel_ridge import KernelRidge
from ntkit.separation._layout import Architecture
from ntkit.separation._learner import Learner, Predictor, equivariance_gap
from ntkit.separation._least_squares import LeastSquares
from ntkit.separation._needed import Criterion, SamplesNeeded, samples_needed
from ntkit.separation._node_energy import NodeEnergy
from ntkit.separation._polynomials import AveragedPolynomial, HierarchicalPolynomial
from ntkit.separation._projected import ProjectedGradient
from ntkit.separation._scaling import Forms, Scaling, scaling, sum_or_product
from ntkit.separation._signal import DynamicSignal, SignalTask, StaticSignal
from ntkit.separation._symmetry import COMMON, NONE, ORTHOGONAL, PATCHWISE, SIGN, TOKENS, Symmetry
from ntkit.separation._task import Data, Task
from ntkit.separation._thresholds import NoiseGate, WeakestSignalGate
from ntkit.separation._two_layer import TwoLayerRelu
from ntkit.separation._two_step import TwoStep

__all__ = [
    "COMMON",
    "NONE",
    "ORTHOGONAL",
    "PATCHWISE",
    "SIGN",
    "TOKENS",
    "Architecture",
    "AveragedPolynomial",
    "Block",
    "Criterion",
    "Data",
    "DynamicSignal",
    "Forms",
    "GroupArithmetic",
    "HierarchicalPolynomial",
    "KernelRidge",
    "Learner",
    "LeastSquares",
    "NodeEnergy",
    "NoiseGate",
    "Predictor",
    "ProjectedGradient",
    "SamplesNeeded",
    "Scaling",
    "SignalTask",
    "StaticSignal",
    "Symmetry",
    "Task",
    "TwoLayerRelu",
    "TwoStep",
    "WeakestSignalGate",
    "XorClusters",
    "alternating_group",
    "crossing",
    "cyclic_group",
    "dihedral_group",
    "direct_product",
    "equivariance_gap",
    "gate",
    "irreducible_blocks",
    "quaternion_group",
    "samples_needed",
    "scaling",
    "soft_threshold",
    "sum_or_product",
    "symmetric_group",
    "two_step_needed",
]
