"""Shi et al. (2022): local Lipschitz constants by bound propagation."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from _lipschitz import (
    INPUTS,
    NETS,
    Capped,
    Floats,
    Layers,
    Open,
    Stack,
    Stalled,
    bounded,
    jacobians,
    points_in,
    random_layers,
    stable_radii,
    stacked,
)
from _lipschitz_cells import cases, exact_rows

from ntkit.claims import All, Bounds, Control, Counts, Identity, Inequality, Paper, Proportion, Sides, Trial
from ntkit.lipschitz import Dense, Network, Relu, Residual, local_lipschitz, monotone_in

paper = Paper(
    key="shi2022",
    title="Efficiently Computing Local Lipschitz Constants of Neural Networks via Bound Propagation",
    authors="Zhouxing Shi, Yihan Wang, Huan Zhang, J. Zico Kolter, Cho-Jui Hsieh",
    year=2022,
    arxiv="2210.07394",
)

# Networks have weights of order 1, 4 layers and sums of at most 9 terms: rounding is below 36 x 1.1e-16 of a product of
# absolute values, which is below 1e3, so that 4e-12 would be the worst; 1e-12 is what errors of random sign come to.
ROUNDING = 1e-12
POINTS = 300  # at which derivatives are taken, in each ball
EXPANDED = 15  # networks of each stack whose products of norms are taken one by one


def _stacks(trial: Trial, quick: int, full: int) -> Iterator[tuple[np.random.Generator, Layers, Floats]]:
    """Random generator, layers and centres of stacks of 300 networks."""
    rng = trial.rng()
    for _ in trial.progress(range(trial.repeats(quick=quick, full=full))):
        yield rng, random_layers(rng), rng.normal(size=(NETS, INPUTS))


def _radii(rng: np.random.Generator) -> Floats:
    return np.asarray(10 ** rng.uniform(np.log10(0.03), 0, NETS))


@paper.claim(
    "soundness",
    where="abstract, in words: bounds of the Clarke Jacobian on a ball",
    kind="theorem",
    checked="memory",
    statement=r"\|x - x_0\|_\infty \le \epsilon,\ f \text{ a ReLU network, differentiable at } x \ \Rightarrow\ "
    r"\underline{J}_{cj} \le J_{cj}(x) \le \overline{J}_{cj} \text{ and } \|J_c(x)\|_1 \le \mathrm{LiRPA}_c",
    rule=All(
        norm=Inequality(atol=ROUNDING),
        entries=Inequality(atol=ROUNDING),
        varied=Proportion(at_least=0.5),  # else the claim would say little
    ),
    controls={
        "capped": Control("derivatives of units with either sign end at 0.9, not at 1", parts=("norm",)),
        "frozen": Control("the pattern of the centre on the whole ball", parts=("norm", "entries")),
    },
)
def soundness(trial: Trial) -> dict[str, Bounds | Counts]:
    """600 random networks with 3 hidden layers of 3 to 8 units (full: 6000), radii from 0.03 to 1, 300 points of each ball.

    A quarter of the points are corners. `norm`: the largest row norm at a point against its bound. `entries`: how far the
    numbers of the Jacobian leave their intervals, at most. `varied`: networks whose Jacobian is not the same at all points.
    Depths are padded neither up nor down: one compiled function serves all; widths are, by units that are off.
    """
    norms, tops, outside, varied = [], [], [], 0
    for rng, layers, x0 in _stacks(trial, quick=2, full=20):
        radius, net = _radii(rng), stacked(layers)
        seen = jacobians(net, points_in(rng, x0, radius, POINTS))
        known = stacked(layers, Capped()) if trial.control == "capped" else net
        found = bounded(known, x0, radius * (trial.control != "frozen"))
        norms.append(np.abs(seen).sum(axis=-1).max(axis=1))
        tops.append(found.norm)
        outside.append(np.maximum(seen.max(axis=1) - found.high, found.low - seen.min(axis=1)).max(axis=-1))
        varied += int((np.ptp(seen, axis=1) > 0).any(axis=(1, 2)).sum())
    return {
        "norm": Bounds(np.concatenate(norms), upper=np.concatenate(tops), x_label="bound", y_label="attained"),
        "entries": Bounds(np.concatenate(outside), upper=0.0, y_label="beyond the interval"),
        "varied": Counts(varied, NETS * len(norms)),
    }


@paper.claim(
    "relaxation-is-hull",
    where="in words: the relaxation of the Clarke derivative is the tightest",
    kind="theorem",
    checked="memory",
    statement=r"l < 0 < u: \quad \frac{l (u - v)}{u - l} \le h \le \frac{u (v - l)}{u - l},\ v \in [l, u], \text{ is the "
    r"convex hull of } \{(v, s v): v \in [l, u],\ s \in [0, 1]\}: \text{ for all } p \text{ both have the same least and "
    r"largest } p v + h",
    rule=Identity(rtol=1e-9, atol=ROUNDING),
    controls={"constants": "RecurJac's lines, l <= h <= u: a box of twice the area"},
)
def relaxation_is_hull(trial: Trial) -> Sides:
    """300 random intervals with l < 0 < u, -l and u from 0.1 to 10, and p from -3 to 3 (full: 6000); both ends each.

    The network y = x + relu(x) / p, f = p u y + p (l - u) relu(y), on [-1, 1], has the derivative (p + s) v, where v is
    u + t (l - u); s and t are free, since intervals by IBP do not show y's sign. Its bounds are what the relaxation of h = s v
    allows; the extreme values on the set are at corners, v = l or u and s = 0 or 1. Closed convex sets on which all p v + h and
    v have the same extreme values are the same.
    """
    rng, method = trial.rng(), "recurjac" if trial.control == "constants" else "lirpa"
    residual = [Residual([Relu(), Dense(np.ones((1, 1)))]) for _ in range(2)]
    structure = jax.tree_util.tree_structure(Network.from_layers([*residual, Dense(np.ones((1, 1)))], input_shape=(1,)))
    found, corners = [], []
    for _ in range(trial.repeats(quick=1, full=20)):
        low, high = -(10 ** rng.uniform(-1, 1, NETS)), 10 ** rng.uniform(-1, 1, NETS)
        p = rng.uniform(-3, 3, NETS)
        weights = [jnp.asarray(each[:, None, None]) for each in (1 / p, low / high - 1, p * high)]
        rows = bounded(Stack(tuple(weights), structure), np.zeros((NETS, 1)), np.ones(NETS), method, "ibp")
        values = np.stack([(p + s) * v for s in (0, 1) for v in (low, high)])
        found.append([rows.low.ravel(), rows.high.ravel()])
        corners.append([values.min(axis=0), values.max(axis=0)])
    return Sides(np.array(found), np.array(corners), x_label="least and largest by bounds", y_label="of the corners")


@paper.claim(
    "dominance-chain",
    where="in words: RecurJac as the case of weaker relaxations; the chain and its proof are ours",
    kind="derived",
    checked="memory",
    statement=r"\text{with the same bounds of } z: \mathrm{LiRPA}_c \le \mathrm{RecurJac}_c \le \mathrm{IBP}_c \le "
    r"\| |W_{L,c}| |W_{L-1}| \cdots |W_1| \|_1 \le \|W_{L,c}\|_1 \prod_{k<L} \|W_k\|_\infty; "
    r"\text{ with nested ones, } \mathrm{LiRPA} \text{ is no larger}",
    rule=All(
        recurjac=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
        ibp=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
        absolute=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
        product=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
        nested=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
    ),
    controls={
        "crown-below-ibp": Control("CROWN's bounds of z alone, not intersected with IBP's: not nested", parts=("nested",)),
        "reversed": Control("RecurJac below LiRPA", parts=("recurjac",)),
    },
)
def dominance_chain(trial: Trial) -> dict[str, Bounds]:
    """1200 networks as for soundness; bounds of z by CROWN and IBP together (full: 6000, and by either alone).

    `nested`: LiRPA with CROWN's bounds of z intersected with IBP's, against IBP's. Products of norms are taken of the first 15
    networks of each stack of 300. Rows whose absolute product is 0 are left out; every link has to be strict somewhere.
    """
    parts: dict[str, list[list[Floats]]] = {name: [] for name in ("recurjac", "ibp", "absolute", "product", "nested")}
    for rng, layers, x0 in _stacks(trial, quick=4, full=20):
        radius, net = _radii(rng), stacked(layers)
        alive = _absolute(layers) > 0
        for forward in trial.scale(quick=("both",), full=("both", "crown", "ibp")):
            chain = [bounded(net, x0, radius, method, forward).norm for method in ("lirpa", "recurjac", "ibp")]
            links = chain[:2][::-1] if trial.control == "reversed" else chain[:2]
            parts["recurjac"].append([side[alive] for side in links])
            parts["ibp"].append([side[alive] for side in chain[1:]])
            rungs = [chain[2][:EXPANDED], *_products(net)]
            parts["absolute"].append([side[alive[:EXPANDED]] for side in rungs[:2]])
            parts["product"].append([side[alive[:EXPANDED]] for side in rungs[1:]])
        tight = "crown" if trial.control == "crown-below-ibp" else "both"
        parts["nested"].append([bounded(net, x0, radius, "lirpa", forward).norm[alive] for forward in (tight, "ibp")])
    names = {"recurjac": ("LiRPA", "RecurJac"), "ibp": ("RecurJac", "IBP"), "absolute": ("IBP", "absolute product")}
    names |= {"product": ("absolute product", "norm product"), "nested": ("tighter bounds of z", "IBP's")}
    return {
        part: Bounds(
            np.concatenate([small for small, _ in links]),
            upper=np.concatenate([large for _, large in links]),
            y_label=names[part][0],
            x_label=names[part][1],
        )
        for part, links in parts.items()
    }


def _absolute(layers: Layers) -> Floats:
    """Products of absolute values, by row."""
    reach = np.ones((NETS, INPUTS, 1))
    for weights, _ in layers:
        reach = np.abs(weights) @ reach
    return reach[..., 0]


def _products(stack: Stack) -> list[Floats]:
    """Absolute and norm products of the first networks, without rounding."""
    found: tuple[list[Floats], list[Floats]] = [], []
    for number in range(EXPANDED):
        for method, into in zip(("absolute", "product"), found, strict=True):
            into.append(local_lipschitz(stack.network(number), np.zeros(INPUTS), 0.0, method=method, arithmetic="float64").rows)  # type: ignore[arg-type]
    return [np.stack(rows) for rows in found]


@paper.claim(
    "joint-norm",
    where="in words: the norm is a node of the graph; the comparison is ours",
    kind="derived",
    checked="memory",
    statement=r"\mathrm{LiRPA}_c = \text{bound of } \sum_j |J_{cj}| \le \sum_j \max(|\underline{J}_{cj}|, "
    r"|\overline{J}_{cj}|), \text{ with equality for one input}",
    rule=All(
        joint=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
        signs=Inequality(atol=ROUNDING, strict=(0.01, 0.05)),
        one=Identity(rtol=1e-9, atol=ROUNDING),
    ),
    controls={
        "upper-ends": Control("the sum of |upper ends| alone", parts=("joint",)),
        "reversed": Control("the sum of separate bounds below the joint one", parts=("joint",)),
    },
)
def joint_norm(trial: Trial) -> dict[str, Bounds | Sides]:
    """1200 networks as for soundness (full: 6000); `joint` takes those with two inputs or more, `one` those with one.

    `signs`: rows of the former none of whose numbers may have either sign. There, too, the joint bound is often lower, since
    what is lost in one number and gained in another cancels.
    """
    joint, signs, one = [], [], []
    for rng, layers, x0 in _stacks(trial, quick=4, full=20):
        found = bounded(stacked(layers), x0, _radii(rng))
        low, high = np.abs(found.low), np.abs(found.high)
        separate = (high if trial.control == "upper-ends" else np.maximum(low, high)).sum(axis=-1)
        pair = np.stack([found.norm, separate])
        several = np.broadcast_to((layers[0][0].any(axis=1).sum(axis=1) > 1)[:, None], separate.shape)
        varied = several & (found.high > found.low).any(axis=-1)
        joint.append(pair[:, varied])
        signs.append(pair[:, varied & (found.low * found.high >= 0).all(axis=-1)])
        one.append(pair[:, ~several])
    value, upper = np.concatenate(joint, axis=1)[:: -1 if trial.control == "reversed" else 1]
    fixed = np.concatenate(signs, axis=1)
    return {
        "joint": Bounds(value, upper=upper, y_label="joint bound", x_label="sum of separate bounds"),
        "signs": Bounds(fixed[0], upper=fixed[1], y_label="joint bound", x_label="sum of separate bounds"),
        "one": Sides(*np.concatenate(one, axis=1), x_label="joint bound", y_label="sum of separate bounds"),
    }


RADII = np.logspace(np.log10(0.05), 0, 12)


@paper.claim(
    "eps-monotone",
    where="not in the paper: ours",
    kind="derived",
    checked="memory",
    statement=r"\epsilon \le \epsilon' \Rightarrow \mathrm{LiRPA}(\epsilon) \le \mathrm{LiRPA}(\epsilon'), \text{ where bounds "
    r"of } z \text{ are nested: by IBP, and by CROWN with lower lines } 0 \text{, but not with adaptive lower lines}",
    rule=All(zero=Inequality(atol=ROUNDING), ibp=Inequality(atol=ROUNDING)),
    controls={"adaptive": Control("CROWN's adaptive lower lines, 0 or z by the longer side", parts=("zero",))},
)
def eps_monotone(trial: Trial) -> dict[str, Bounds]:
    """1200 networks as for soundness (full: 6000), 12 radii from 0.05 to 1, each bound against that of the next radius.

    Evidence has shape (radius, network, output). CROWN is not intersected with IBP.
    """
    slopes = "adaptive" if trial.control == "adaptive" else "zero"
    curves: dict[str, list[Floats]] = {"zero": [], "ibp": []}
    for _, layers, x0 in _stacks(trial, quick=4, full=20):
        net = stacked(layers)
        for part, options in (("zero", ("lirpa", "crown", slopes)), ("ibp", ("lirpa", "ibp"))):
            curves[part].append(np.stack([bounded(net, x0, np.full(NETS, radius), *options).norm for radius in RADII]))
    return {
        part: Bounds(curve[:-1], upper=curve[1:], x_label="bound at the next radius", y_label="bound")
        for part, curve in ((part, np.concatenate(found, axis=1)) for part, found in curves.items())
    }


@paper.claim(
    "stable-cell-exactness",
    where="not in the paper: ours, from the construction",
    kind="derived",
    checked="memory",
    statement=r"\text{no unit changes its sign on the ball} \Rightarrow \mathrm{LiRPA}_c = \mathrm{RecurJac}_c = "
    r"\mathrm{IBP}_c = \|J_c(x_0)\|_1, \text{ which is exact; for every } \epsilon,\ \mathrm{LiRPA} \le "
    r"\text{its value with all units open, attained for large } \epsilon",
    rule=All(
        stable=Identity(rtol=1e-12, atol=ROUNDING),
        point=Identity(rtol=1e-12, atol=ROUNDING),
        limit=Inequality(atol=ROUNDING, tight=0.999),
    ),
    controls={"wider": Control("balls of 4 times the radius", parts=("stable",))},
)
def stable_cell_exactness(trial: Trial) -> dict[str, Bounds | Sides]:
    """600 networks as for soundness (full: 6000), of which rows with J = 0 are left out.

    `stable`: radii 0.99 times the least |z| over the most that z can vary, by products of absolute values; bounds of shape
    (method, row). `point`: radius 0. `limit`: radii 1, 1000 and 10^6. That LiRPA tends to the bound with all units open is not
    so for every network: a unit whose weights are all negative stays off; hence equality is asked for somewhere only.
    """
    stable: list[list[Floats]] = []
    point: list[list[Floats]] = []
    limit: list[list[Floats]] = []
    for _, layers, x0 in _stacks(trial, quick=2, full=20):
        net, radius = stacked(layers), 0.99 * stable_radii(layers, x0) * (4 if trial.control == "wider" else 1)
        exact = np.abs(jacobians(net, x0[:, None])[:, 0]).sum(axis=-1)
        alive = exact > 0
        for pairs, reach in ((stable, radius), (point, 0 * radius)):
            found = np.stack([bounded(net, x0, reach, method).norm[alive] for method in ("lirpa", "recurjac", "ibp")])
            pairs.append([found, np.broadcast_to(exact[alive], found.shape)])
        most = bounded(stacked(layers, Open()), x0, radius).norm
        found = np.stack([bounded(net, x0, np.full(NETS, reach)).norm for reach in (1.0, 1e3, 1e6)])
        limit.append([found[:, alive], np.broadcast_to(most[alive], found[:, alive].shape)])
    joined = [[np.concatenate(side, axis=1) for side in zip(*pairs, strict=True)] for pairs in (stable, point, limit)]
    return {
        "stable": Sides(*joined[0], x_label="bounds", y_label="norm of the derivative at the centre"),
        "point": Sides(*joined[1], x_label="bounds at radius 0", y_label="norm of the derivative at the centre"),
        "limit": Bounds(joined[2][0], upper=joined[2][1], x_label="all units open", y_label="bound"),
    }


@paper.claim(
    "bab-converges",
    where="in words: branch and bound tightens; convergence is ours",
    kind="derived",
    checked="memory",
    statement=r"\text{splitting units by the sign of } z \text{, with each part's bound no more than its parent's: the upper "
    r"bound falls with the number of parts, and ends at } \max_x \|J_c(x)\|_1 \text{ where empty parts are left out}",
    rule=All(
        exact=Identity(rtol=1e-6, atol=1e-9),
        certified=Inequality(atol=ROUNDING),
        anytime=Inequality(atol=ROUNDING, strict=(0.01, 0.1)),
        closed=Inequality(),
    ),
    controls={"stalled": Control("parts' units keep both slopes, since 0 is still in their intervals", parts=("exact",))},
)
def bab_converges(trial: Trial) -> dict[str, Bounds | Sides]:
    """3 random networks 2-8-8-2 with 3 inputs each (full: 40), radii from 0.2 to 1, both outputs, to the end of the search.

    `exact`: without and with proofs that parts are empty, against the largest over the polygons where the network is linear.
    `certified`: the latter is no less than that. `anytime`: the first bound, after about 64 parts, and at the end. `closed`: in
    0.8 of the searches upper and lower bound meet. What stalls is stopped at 2000 parts.
    """
    ends, exact, certified, bounds_, closed = [], [], [], [], []
    activation = Stalled() if trial.control == "stalled" else Relu()
    most = 2000 if trial.control == "stalled" else None
    nets = trial.repeats(quick=2 if trial.control else 3, full=40)
    for layers, centres, radius, cells in trial.progress(cases(trial.rng(), nets)):
        net = Network.sequential(layers, activation)
        plain, sure = (
            local_lipschitz(net, centres, radius, method="bab", arithmetic=arithmetic, nodes=most)
            for arithmetic in ("float64", "float64+outward")
        )
        truth = np.stack([exact_rows(own) for own in cells])
        early = [
            local_lipschitz(net, centres, radius, method="bab", arithmetic="float64", nodes=nodes).rows for nodes in (0, 64)
        ]
        ends.append([plain.rows, sure.rows])
        exact.append([truth, truth])
        certified.append(sure.rows)
        bounds_.append([*early, plain.rows])
        closed.append([plain.closed, sure.closed])
    falling = np.stack(bounds_, axis=1)
    return {
        "exact": Sides(np.stack(ends), np.stack(exact), x_label="branch and bound", y_label="largest of all polygons"),
        "certified": Bounds(np.stack(exact)[:, 0], upper=np.stack(certified), x_label="certified bound", y_label="exact"),
        "anytime": Bounds(falling[1:], upper=falling[:-1], x_label="bound", y_label="after more parts"),
        "closed": Bounds([np.mean(closed)], lower=0.8, y_label="share closed"),
    }


@paper.claim(
    "monotonicity",
    where="in words: provable monotonicity of networks",
    kind="corollary",
    checked="memory",
    statement=r"\underline{J}_{cj} \ge 0 \text{ on the ball} \Rightarrow f_c \text{ does not fall as } x_j \text{ alone rises "
    r"there; likewise for } \overline{J}_{cj} \le 0",
    rule=All(steps=Inequality(atol=ROUNDING), claims=Inequality()),
    controls={"centre": Control("the signs of the derivative at the centre", parts=("steps",))},
)
def monotonicity(trial: Trial) -> dict[str, Bounds]:
    """10 networks 4-10-8-1 (full: 100), every other one with second and third weights not negative; 20 balls each, radius 0.3.

    `steps`: for each output that `monotone_in` says to rise or to fall in an input, the least change in that direction over 400
    pairs of points of the ball that differ in that input. Those that depend on it nowhere, and do both, are left out. `claims`:
    100 at least.
    """
    rng, least = trial.rng(), []
    for number in trial.progress(range(trial.repeats(quick=10, full=100))):
        shapes = ((10, 4), (8, 10), (1, 8))
        layers = [(rng.normal(size=shape) / np.sqrt(shape[1]), 0.3 * rng.normal(size=shape[0])) for shape in shapes]
        if number % 2:
            layers[1:] = [(np.abs(weights), biases) for weights, biases in layers[1:]]
        net, x0 = Network.sequential(layers), rng.normal(size=(20, 4))
        found = monotone_in(net, x0, 0.0 if trial.control == "centre" else 0.3, arithmetic="float64")
        for sign, said in ((1, found.rising & ~found.falling), (-1, found.falling & ~found.rising)):
            for i, j in zip(*np.nonzero(said[:, 0]), strict=True):
                low = x0[i] + rng.uniform(-0.3, 0.3, (400, 4))
                high = low.copy()
                low[:, j], high[:, j] = np.sort(x0[i, j] + rng.uniform(-0.3, 0.3, (2, 400)), axis=0)
                least.append(sign * (net(jnp.asarray(high)) - net(jnp.asarray(low))).min())
    return {
        "steps": Bounds(np.array(least), lower=0.0, x_label="claim", y_label="least change"),
        "claims": Bounds([len(least)], lower=100.0, y_label="claims"),
    }


# Sums of at most 5, 9, 9, 9 and 4 terms are taken one after another; a unit of rounding for each, of a product of absolute
# values, is the classical bound.
UNITS = 36 * 2.0**-24


@paper.claim(
    "float-soundness",
    where="not in the paper: ours; gamma_n is classical",
    kind="derived",
    checked="memory",
    statement=r"\text{in single precision, LiRPA is within } \gamma_n \| |W_{L,c}| \cdots |W_1| \|_1 \text{ of the exact "
    r"value, where no unit changes its sign, } \gamma_n = n u; \text{ often it is below: a slack of that size, or rounding "
    r"outward, makes it a bound}",
    rule=All(
        close=Identity(rtol=0.0, atol=UNITS, refute=10.0),
        slack=Inequality(rtol=1e-9, atol=ROUNDING, refute=10.0),
        outward=Inequality(rtol=1e-9, atol=ROUNDING, refute=10.0),
    ),
    controls={"no-slack": Control("single precision as it is", parts=("slack", "outward"))},
)
def float_soundness(trial: Trial) -> dict[str, Bounds | Sides]:
    """600 networks as for soundness (full: 6000), weights rounded to single precision, on balls where no unit changes its sign.

    There the norm of the derivative at the centre, in double precision, is exact, and rounding is all that is left. `close`:
    both in units of the product of absolute values, since relative errors have no bound where terms cancel. On larger balls
    rounding may change adaptive lines, and with them a bound by percents, which is no error.
    """
    exact, plain, outward, products = [], [], [], []
    for _, layers, x0 in _stacks(trial, quick=2, full=20):
        net = stacked(layers, dtype=np.float32)
        rounded = [
            (weights.astype(np.float32).astype(float), biases.astype(np.float32).astype(float)) for weights, biases in layers
        ]
        x0 = x0.astype(np.float32).astype(float)
        radius = 0.9 * stable_radii(rounded, x0)
        exact.append(np.abs(jacobians(stacked(rounded), x0[:, None])[:, 0]).sum(axis=-1))
        plain.append(bounded(net, x0, radius).norm)
        outward.append(bounded(net, x0, radius, "lirpa", "both", "adaptive", True).norm)
        products.append(_absolute(rounded))
    rows = np.stack([np.concatenate(found).ravel() for found in (exact, plain, outward, products)])
    truth, bare, safe, size = rows[:, rows[0] > 0]
    slack, safe = (bare, bare) if trial.control == "no-slack" else (bare + UNITS * size, safe)
    return {
        "close": Sides(bare / size, truth / size, x_label="single precision / product", y_label="exact / product"),
        "slack": Bounds(truth, upper=slack, x_label="single precision with slack", y_label="exact"),
        "outward": Bounds(truth, upper=safe, x_label="single precision, outward", y_label="exact"),
    }
