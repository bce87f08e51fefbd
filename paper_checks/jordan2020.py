"""Jordan and Dimakis (2020): local Lipschitz constants by mixed-integer programming."""

import numpy as np
from _lipschitz_cells import cases, exact_rows, free_rows

from ntkit.claims import Identity, Paper, Sides, Trial
from ntkit.lipschitz import Network, local_lipschitz

paper = Paper(
    key="jordan2020",
    title="Exactly Computing the Local Lipschitz Constant of ReLU Networks",
    authors="Matt Jordan, Alexandros G. Dimakis",
    year=2020,
    arxiv="2003.01219",
)


@paper.claim(
    "milp-equals-enumeration",
    where="the main theorem on exactness, and the integer program",
    kind="theorem",
    checked="memory",
    statement=r"\max \sum_j t_j \text{ over } x \text{ in the ball},\ a_k = \delta_k z_k \ge 0,\ h_k = \delta_k v_k,\ "
    r"v_{k-1} = W_k^\top h_k,\ t = |v_0|,\ \delta_k \in \{0, 1\}: \text{ equals } \max \|J_c(x)\|_1 \text{ over all "
    r"linear pieces of the ball, for generic weights}",
    # The solver's gap is 1e-7, its tolerance for constraints 1e-6 of variables that are of order 1.
    rule=Identity(rtol=1e-6, atol=1e-9, refute=10.0),
    controls={
        "free-signs": "any pattern of the units that change their signs on the ball, whether some input has it or not",
        "centre": "the linear piece of the centre alone",
    },
)
def milp_equals_enumeration(trial: Trial) -> Sides:
    """4 random networks 2-8-8-2 with 3 inputs each (full: 60), radii from 0.2 to 1, both outputs: 24 programs.

    The other side knows no program: the square is cut into the polygons where the network is linear. The first control is what
    the program would solve without the coupling of the derivative's signs to those of z.
    """
    programs, pieces, nets = [], [], trial.repeats(quick=4, full=60)
    for layers, centres, radius, cells in trial.progress(cases(trial.rng(), nets)):
        found = local_lipschitz(Network.sequential(layers), centres, radius, method="exact", arithmetic="float64")
        programs.append(found.rows)
        if trial.control == "free-signs":
            pieces.append([free_rows(layers, own) for own in cells])
        elif trial.control == "centre":
            still = local_lipschitz(Network.sequential(layers), centres, 0.0, arithmetic="float64")
            pieces.append(list(still.rows))
        else:
            pieces.append([exact_rows(own) for own in cells])
    return Sides(np.stack(programs), np.array(pieces), x_label="integer program", y_label="largest of all polygons")
