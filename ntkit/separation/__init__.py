"""How many samples an architecture needs: tasks, learners and the search for thresholds."""

from ntkit.separation._activation import gate, soft_threshold
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
from ntkit.separation._learner import Learner, equivariance_gap
from ntkit.separation._node_energy import NodeEnergy
from ntkit.separation._projected import ProjectedGradient
from ntkit.separation._signal import DynamicSignal, SignalTask, StaticSignal
from ntkit.separation._symmetry import COMMON, NONE, ORTHOGONAL, PATCHWISE, SIGN, TOKENS, Symmetry
from ntkit.separation._task import Data, Task
from ntkit.separation._thresholds import NoiseGate, WeakestSignalGate
from ntkit.separation._two_step import TwoStep

__all__ = [
    "COMMON",
    "NONE",
    "ORTHOGONAL",
    "PATCHWISE",
    "SIGN",
    "TOKENS",
    "Block",
    "Data",
    "DynamicSignal",
    "GroupArithmetic",
    "Learner",
    "NodeEnergy",
    "NoiseGate",
    "ProjectedGradient",
    "SignalTask",
    "StaticSignal",
    "Symmetry",
    "Task",
    "TwoStep",
    "WeakestSignalGate",
    "alternating_group",
    "cyclic_group",
    "dihedral_group",
    "direct_product",
    "equivariance_gap",
    "gate",
    "irreducible_blocks",
    "quaternion_group",
    "soft_threshold",
    "symmetric_group",
]
