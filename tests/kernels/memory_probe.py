"""What a process takes for an empirical kernel beyond what it has when ready: `python memory_probe.py NAME BUDGET`."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp

from ntkit.kernels._empirical import contract_jacobian

LAYOUT = ("NHWC", "HWIO", "NHWC")


def mlp(params, x):
    for w in params[:-1]:
        x = jnp.tanh(x @ w)
    return x @ params[-1]


def cnn(params, x):
    h = x[..., None]
    for w in params[:-1]:
        h = jax.nn.relu(jax.lax.conv_general_dilated(h, w, (1, 1), "SAME", dimension_numbers=LAYOUT))
    return h.mean((1, 2)) @ params[-1]


SIZES = {  # name -> function, shapes of its parameters, shape of the inputs
    "deep": (mlp, [(20, 100), (100, 100), (100, 10)], (150, 20)),
    "wide": (mlp, [(20, 1000), (1000, 10)], (100, 20)),
    "cnn": (cnn, [(3, 3, 1, 16), (3, 3, 16, 16), (16, 10)], (64, 8, 8)),
}


def problem(name):
    """The function, its parameters and inputs, all ones in float32."""
    apply, params, x = SIZES[name]
    return apply, [jnp.ones(shape, jnp.float32) for shape in params], jnp.ones(x, jnp.float32)


def main(name, budget):
    """Print the additional peak and the size of the result."""
    apply, params, x = problem(name)
    program = contract_jacobian.lower(apply, False, int(budget), 10, params, x, None).compile()
    jax.block_until_ready(jnp.ones((256, 256)) @ jnp.ones((256, 256)))  # whatever a first product needs
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _status("VmRSS")
    kernel = jax.block_until_ready(program(params, x, None))
    print(_status("VmHWM") - before, kernel.nbytes)


def _status(field):
    return 1024 * int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
