"""The memory budget of empirical kernels: kept by what is compiled, and by a process as the system sees it."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from ntkit.kernels._empirical import contract_jacobian
from ntkit.kernels._ntvp import contract_products
from tests.kernels.finite_functions import LAYOUT

MB = 2**20
OVERHEAD = 8 * MB  # threads' stacks, and what allocators keep


def mlp(params, x):
    for w in params[:-1]:
        x = jnp.tanh(x @ w)
    return x @ params[-1]


def cnn(params, x):
    h = x[..., None]
    for w in params[:-1]:
        h = jax.nn.relu(jax.lax.conv_general_dilated(h, w, (1, 1), "SAME", dimension_numbers=LAYOUT))
    return h.mean((1, 2)) @ params[-1]


SIZES = {
    "deep": (mlp, [(20, 100), (100, 100), (100, 10)], (150, 20)),
    "wide": (mlp, [(20, 1000), (1000, 10)], (100, 20)),
    "cnn": (cnn, [(3, 3, 1, 16), (3, 3, 16, 16), (16, 10)], (64, 8, 8)),
}


def shapes(name):
    apply, params, x = SIZES[name]
    return apply, [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in params], jax.ShapeDtypeStruct(x, jnp.float32)


@pytest.mark.parametrize("budget", [2**30, 16 * MB, 5 * MB])
@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("name", SIZES)
def test_what_is_compiled_asks_for_no_more(name, traced, budget):
    apply, params, x = shapes(name)
    for contract in (contract_jacobian, contract_products):
        sizes = contract.lower(apply, traced, budget, 10, params, x, None).compile().memory_analysis()
        assert sizes.temp_size_in_bytes <= budget + 3 * sizes.output_size_in_bytes


SCRIPT = """
import sys
from pathlib import Path
import jax, jax.numpy as jnp
sys.path.insert(0, sys.argv[1])
from tests.kernels.test_empirical_memory import shapes, contract_jacobian

def status(name):
    return 1024 * int(Path("/proc/self/status").read_text().partition(name + ":")[2].split()[0])

apply, params, x = jax.tree.map(lambda a: jnp.ones(a.shape, a.dtype) if hasattr(a, "shape") else a, shapes(sys.argv[2]))
program = contract_jacobian.lower(apply, False, int(sys.argv[3]), 10, params, x, None).compile()
jax.block_until_ready(jnp.ones((256, 256)) @ jnp.ones((256, 256)))  # whatever a first product needs
Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
before = status("VmRSS")
kernel = jax.block_until_ready(program(params, x, None))
print(status("VmHWM") - before, kernel.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(("name", "budget"), [("wide", 2**30), ("wide", 64 * MB), ("cnn", 32 * MB)])
def test_a_process_stays_within_it(name, budget, pytestconfig):
    command = [sys.executable, "-c", SCRIPT, str(pytestconfig.rootpath), name, str(budget)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    peak, result = map(int, done.stdout.split())
    assert peak <= budget + result + OVERHEAD
    if budget == 2**30:
        assert peak > 100 * MB  # all rows are kept: the measurement does measure something


@pytest.mark.parametrize("name", SIZES)
def test_the_smallest_budget_named_is_one_that_works(name):
    apply, params, x = shapes(name)
    for contract in (contract_jacobian, contract_products):
        with pytest.raises(ValueError, match=r"memory must be at least (\d+) bytes .*, got 1000") as caught:
            contract.lower(apply, False, 1000, 10, params, x, None)
        least = int(str(caught.value).split("at least ")[1].split()[0])
        assert contract.lower(apply, False, least, 10, params, x, None)
        with pytest.raises(ValueError, match="memory must be at least"):
            contract.lower(apply, False, least - 1, 10, params, x, None)
