"""The memory budget of empirical kernels: kept by what is compiled, and by a process as the system sees it."""

import subprocess
import sys

import pytest

from ntkit.kernels._empirical import contract_jacobian
from ntkit.kernels._ntvp import contract_products
from tests.kernels import memory_probe
from tests.kernels.memory_probe import SIZES, problem

MB = 2**20
OVERHEAD = 4 * MB  # threads' stacks, and what allocators keep


@pytest.mark.parametrize("budget", [2**30, 6 * MB])
@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("name", SIZES)
def test_what_is_compiled_asks_for_no_more(name, traced, budget):
    apply, params, x = problem(name)
    for contract in (contract_jacobian, contract_products):
        sizes = contract.lower(apply, traced, budget, 10, params, x, None).compile().memory_analysis()
        assert sizes.temp_size_in_bytes <= budget + 3 * sizes.output_size_in_bytes


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(("name", "budget"), [("wide", 2**30), ("wide", 64 * MB), ("cnn", 32 * MB)])
def test_a_process_stays_within_it(name, budget):
    command = [sys.executable, memory_probe.__file__, name, str(budget)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    peak, result = map(int, done.stdout.split())
    assert peak <= budget + result + OVERHEAD
    if budget == 2**30:
        assert peak > 100 * MB  # all rows are kept: the measurement does measure something


@pytest.mark.parametrize("name", SIZES)
def test_the_smallest_budget_named_is_one_that_works(name):
    apply, params, x = problem(name)
    for contract in (contract_jacobian, contract_products):
        with pytest.raises(ValueError, match=r"memory must be at least (\d+) bytes .*, got 1000") as caught:
            contract.lower(apply, False, 1000, 10, params, x, None)
        least = int(str(caught.value).split("at least ")[1].split()[0])
        assert contract.lower(apply, False, least, 10, params, x, None)
        with pytest.raises(ValueError, match="memory must be at least"):
            contract.lower(apply, False, least - 1, 10, params, x, None)
