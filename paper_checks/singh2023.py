"""Singh, Hofmann, Schölkopf (2023): the rank of the Hessian of linear convolutional networks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from _linear_cnn import Rank, draw, hessians, rank

from ntkit.claims import All, Bounds, Control, Exact, Inequality, Integers, Paper, Series, Slope, Trial

paper = Paper(
    key="singh2023",
    title="The Hessian perspective into the Nature of Convolutional Neural Networks",
    authors="Sidak Pal Singh, Thomas Hofmann, Bernhard Schölkopf",
    year=2023,
    arxiv="2305.09088",
)


class TwoLayers(NamedTuple):
    """Channels c_in -> m -> c_out, kernels of k_1 and k_2 taps."""

    c_in: int
    m: int
    c_out: int
    k_1: int
    k_2: int


class Design(NamedTuple):
    """A deep network without its hidden width: channels in and out, taps of each layer."""

    c_in: int
    c_out: int
    taps: tuple[int, ...]


# Shapes at which counting dimensions gives a rank of H_O that is too large; 4 more have at most 8 channels and 7 taps.
UNEVEN = (TwoLayers(1, 3, 7, 6, 2), TwoLayers(7, 3, 1, 2, 6), TwoLayers(1, 3, 8, 6, 2), TwoLayers(3, 5, 7, 4, 2))

DESIGNS = (
    Design(1, 2, (2, 3, 1)),
    Design(2, 1, (3, 1, 2)),
    Design(3, 1, (1, 2, 2)),
    Design(1, 1, (2, 2, 2, 2)),
    Design(1, 2, (3, 1, 1, 2)),
    Design(1, 1, (3, 2, 1)),
    Design(2, 3, (1, 1, 1)),
    Design(1, 1, (5, 5, 1)),
)
MOST_WIDE = 6  # random designs of a larger threshold are drawn again: p grows as its square
DRAWS = 2  # the generic rank is the largest; in 1 of 3000 deep networks a draw is degenerate up to rounding
GAP = 1e3
# Ranks without a clean gap at the cut are no evidence: they make the claim inconclusive, however narrow the gap.
CLEAN = Inequality(refute=1e15)


@paper.claim(
    "two-layer-rank-exact",
    where="abstract: tight upper bounds for linear networks; the exact laws are ours",
    kind="derived",
    checked="text",
    statement=r"\text{two layers, generic weights and residual: } \operatorname{rank} H_F = 2 m \min(c_{out} k_2, c_{in} k_1); "
    r"\ \operatorname{rank} H_O = p - m^2 \text{ if } m \le \min(c_{in}, c_{out}), "
    r"\text{ else } c_{in} c_{out} (k_1 + k_2 - 1) - h, "
    r"\ h = 0 \text{ unless } m \text{ lies strictly between } c_{in} \text{ and } c_{out}; "
    r"\ \operatorname{rank} H = 2 m c_{in} k_1 + c_{in} \min(k_1 f, c_{out} (k_1 + k_2 - 1) - c_{in}) "
    r"\text{ for } f = c_{out} k_2 - c_{in} k_1 \ge 0,\ m \ge c_{in} k_1",
    rule=All(outer=Exact(), functional=Exact(), whole=Exact(), gap=CLEAN),
    controls={
        "dimension-count": Control("rank H_O as parameters less symmetries or all of V, the smaller", parts=("outer",)),
        "no-symmetry": Control("p in place of p - m^2 in the rank of H_O", parts=("outer",)),
        "fully-connected": Control("kernels of one tap in all three laws", parts=("outer", "functional", "whole")),
        "exchanged": Control("k_1 and k_2 exchanged in all three laws", parts=("functional", "whole")),
        "additive": Control("rank H as the sum of the ranks of its parts, or p", parts=("whole",)),
        "residual-forgotten": Control("c_out (k_1 + k_2 - 1) not lessened by c_in in rank H", parts=("whole",)),
        "flat-residual": Control("a residual equal at all taps, which is not generic", parts=("functional", "whole")),
    },
)
def two_layer_rank_exact(trial: Trial) -> dict[str, Integers | Bounds]:
    """Random shapes with m <= 8, c <= 3, k <= 4, and four on which a count of dimensions fails; ranks by singular values.

    H_F: off the diagonal it is m copies of B, the block Hankel matrix of the residual, c_out k_2 by c_in k_1. A residual that
    is a sum of terms u v^T lambda^t makes B a sum of generic matrices of rank 1, so B has full rank.

    H_O has the rank of (dW_1, dW_2) -> W_2 dW_1 + dW_2 W_1, a map of matrix polynomials, seen on the projective line. If
    m <= min(c), its kernel is the symmetry (A W_1, -W_2 A): W_1 is onto and W_2 into but for finitely many points, which
    differ. If m >= max(c), the map is onto at every point; as a sheaf its kernel is spanned by the symmetries but for finitely
    many points, so its H^1 is 0 and all of V is reached. For c_in < m < c_out there is missing h = h^1(Hom(Q_1, Q_2)), where
    Q_1 is the cokernel of W_1, of rank m - c_in and degree m (k_1 - 1), and Q_2 that of W_2, of rank c_out - m and degree
    c_out (k_1 + k_2 - 2) - m (k_1 - 1); generic ones split as evenly as they can.

    To count dimensions, min(c_in c_out (k_1 + k_2 - 1), p - m^2 + (m - r_1) (m - r_2)) with r_1 = min(m, c_in k_1) and
    r_2 = min(m, c_out k_2), gives the same unless Hom(Q_1, Q_2) has both h^0 and h^1, and then too much: 49 for 48 at
    (c_in, m, c_out, k_1, k_2) = (1, 3, 7, 6, 2). Up to 3 channels that never happens. It is the control `dimension-count`.

    H: for m >= c_in k_1 it has the rank of H_F and that of H_O on the null space of H_F, which is N, of dimension f, in each
    hidden channel. W_1 spreads it over c_in copies of N + z N + .. + z^(k_1 - 1) N, a free sum, or all that is orthogonal to
    the residual. In narrower networks the law may fail: 35 for 36 at (2, 3, 1, 4, 4). That rank H <= rank H_O + rank H_F
    is linear algebra and not measured. Ranks are the larger of two draws. Controls take half of the shapes.
    """
    random = trial.rng()
    count = trial.scale(quick=120, full=1200) // (2 if trial.control else 1)
    shapes = [*UNEVEN, *(_two_layers(random) for _ in range(count))]
    found = [_measured(shape, random, flat=trial.control == "flat-residual") for shape in trial.progress(shapes)]
    wide = [i for i, s in enumerate(shapes) if s.m >= min(s.c_in * s.k_1, s.c_out * s.k_2)]
    laws = [_laws(shape, trial.control) for shape in shapes]
    gap, unmet = _gap([one for three in found for one in three])

    def against_law(part: int, chosen: Sequence[int], name: str) -> Integers:
        got, expected = [found[i][part].number for i in chosen], [laws[i][part] for i in chosen]
        return Integers(got, expected, x_label=f"rank {name}, law", y_label="rank by singular values", unmet=unmet)

    every = range(len(shapes))
    return {
        "outer": against_law(0, every, "H_O"),
        "functional": against_law(1, every, "H_F"),
        "whole": against_law(2, wide, "H"),
        "gap": gap,
    }


@paper.claim(
    "deep-rank-slope",
    where="abstract: the rank grows as the square root of the number of parameters; the law is ours",
    kind="derived",
    checked="text",
    statement=r"L \ge 3 \text{ layers of width } m \ge \max_l r_l: \ \operatorname{rank} H(m + 1) - \operatorname{rank} H(m) = "
    r"2 \sum_{l=1}^{L-1} r_l,\ r_l = \min(c_{in} a_l, c_{out} b_l), "
    r"\ a_l = 1 + \sum_{i \le l} (k_i - 1),\ b_l = 1 + \sum_{i > l} (k_i - 1); \text{ as } p \sim m^2, \ "
    r"\operatorname{rank} H \sim \sqrt{p}",
    # The window of the exponent is that of the next order at these widths, which lies above 1/2: p = 2 m^2 + 8 m.
    rule=All(increments=Exact(), exponent=Slope(tol=(-0.05, 0.15)), gap=CLEAN),
    controls={
        "narrower": Control("widths from max_l r_l - 1 on", parts=("increments",)),
        "fully-connected": Control("a_l = b_l = 1", parts=("increments",)),
        "sum": Control("c_in a_l + c_out b_l in place of their minimum", parts=("increments",)),
        "adjacent": Control("k_l and k_(l+1), of the layers next to l, in place of a_l and b_l", parts=("increments",)),
        "proportional": Control("rank over p: exponent 1", parts=("exponent",)),
        "two-layers": Control("two layers in place of three, where p grows as m", parts=("exponent",)),
    },
)
def deep_rank_slope(trial: Trial) -> dict[str, Integers | Series | Bounds]:
    """Eight designs and random ones, L = 3 or 4; widths r, r + 1, r + 2, r + 5 with r = max_l r_l, fresh weights at each.

    A_l and B_l are the products of the layers up to l and after it. Of the m channels of hidden layer l choose
    n_l = m - c_in a_l - c_out b_l that A_l does not reach and B_l does not see. What dW_l writes there and dW_(l+1) reads there
    leaves V as it is to first order. After a shear, which takes in the pairs of layers further apart, these two meet nothing
    but each other, through the block Hankel matrix of the residual, of rank r_l: 2 r_l n_l. What is left is the Hessian of a
    network of hidden widths c_in a_l + c_out b_l. This proves the law from these widths on. That it begins at r already, and in
    most designs not below, is measured: here, by the control `narrower`, and in pilots, where none of 1500 random designs
    began later, nor of 81 by ranks modulo a prime.

    `exponent`: c_in = c_out = 2, three layers of 2 taps; that it falls towards 1/2 follows from the law. With ReLU the law is
    gone. Ranks are the larger of two draws. Controls take the eight designs only.
    """
    random = trial.rng()
    count = 0 if trial.control else trial.scale(quick=8, full=80)
    got: list[int] = []
    expected: list[int] = []
    found: list[Rank] = []
    for design in trial.progress([*DESIGNS, *(_design(random) for _ in range(count))]):
        first = max(_hankel_ranks(design, None)) - (1 if trial.control == "narrower" else 0)
        widths = np.array([first, first + 1, first + 2, first + 5])
        at = [_whole(design, int(m), random) for m in widths if m > 0]
        slope = 2 * sum(_hankel_ranks(design, trial.control))
        got += np.diff([one.number for one in at]).tolist()
        expected += (slope * np.diff(widths[widths > 0])).tolist()
        found += at
    taps = (2, 2) if trial.control == "two-layers" else (2, 2, 2)
    growing = [_whole(Design(2, 2, taps), m, random) for m in WIDTHS[trial.tier]]
    exponent = Series(
        [parameters(Design(2, 2, taps), m) for m in WIDTHS[trial.tier]],
        [one.number for one in growing],
        1.0 if trial.control == "proportional" else 0.5,
        x_label="parameters p",
        y_label="rank H",
    )
    gap, unmet = _gap([*found, *growing])
    labels = {"x_label": "increment of rank H, law", "y_label": "increment by singular values"}
    return {"increments": Integers(got, expected, unmet=unmet, **labels), "exponent": exponent, "gap": gap}


WIDTHS = {"quick": (8, 12, 16), "full": (16, 24, 32)}


def parameters(design: Design, m: int) -> int:
    """Number of parameters at hidden width m."""
    channels = _channels(design, m)
    return sum(k * a * b for k, a, b in zip(design.taps, channels, channels[1:], strict=False))


def _two_layers(random: np.random.Generator) -> TwoLayers:
    m, (c_in, c_out), (k_1, k_2) = random.integers(1, 9), random.integers(1, 4, 2), random.integers(1, 5, 2)
    return TwoLayers(int(c_in), int(m), int(c_out), int(k_1), int(k_2))


def _design(random: np.random.Generator) -> Design:
    while True:
        c_in, c_out = random.integers(1, 4, 2)
        design = Design(int(c_in), int(c_out), tuple(random.integers(1, 4, random.integers(3, 5)).tolist()))
        if max(_hankel_ranks(design, None)) <= MOST_WIDE:
            return design


def _measured(shape: TwoLayers, random: np.random.Generator, *, flat: bool = False) -> list[Rank]:
    """Ranks of H_O, H_F and H, each the largest over draws."""
    draws = []
    for _ in range(DRAWS):
        residual = random.normal(size=(shape.k_1 + shape.k_2 - 1, shape.c_out, shape.c_in))
        if flat:
            residual[:] = residual[0]
        jacobian, functional = hessians(draw(random, shape[:3], shape[3:]), residual)
        whole = functional + jacobian.T @ jacobian
        draws.append((rank(jacobian), rank(functional, symmetric=True), rank(whole, symmetric=True)))
    return [max(ranks) for ranks in zip(*draws, strict=True)]


def _whole(design: Design, m: int, random: np.random.Generator) -> Rank:
    """Rank of H at hidden width m, the largest over draws."""
    draws = []
    for _ in range(DRAWS):
        residual = random.normal(size=(sum(design.taps) - len(design.taps) + 1, design.c_out, design.c_in))
        jacobian, functional = hessians(draw(random, _channels(design, m), design.taps), residual)
        draws.append(rank(functional + jacobian.T @ jacobian, symmetric=True))
    return max(draws)


def _channels(design: Design, m: int) -> list[int]:
    return [design.c_in, *[m] * (len(design.taps) - 1), design.c_out]


def _laws(shape: TwoLayers, control: str | None) -> tuple[int, int, int]:
    """Ranks of H_O, H_F and H, the last for wide networks."""
    if control == "fully-connected":
        shape = shape._replace(k_1=1, k_2=1)
    elif control == "exchanged":
        shape = shape._replace(k_1=shape.k_2, k_2=shape.k_1)
    outer = _outer_by_count(shape, control) if control in ("dimension-count", "no-symmetry") else _outer(shape)
    functional = 2 * shape.m * min(shape.c_out * shape.k_2, shape.c_in * shape.k_1)
    if control == "additive":
        return outer, functional, min(outer + functional, _size(shape))
    return outer, functional, _wide(shape, orthogonal=control != "residual-forgotten")


def _size(shape: TwoLayers) -> int:
    return shape.m * (shape.c_in * shape.k_1 + shape.c_out * shape.k_2)


def _outer(shape: TwoLayers) -> int:
    """Rank of H_O."""
    c_in, m, c_out, k_1, k_2 = shape
    if m <= min(c_in, c_out):
        return _size(shape) - m * m
    everything = c_in * c_out * (k_1 + k_2 - 1)
    if m >= max(c_in, c_out):
        return everything
    if c_in > c_out:
        return _outer(TwoLayers(c_out, m, c_in, k_2, k_1))  # transposed
    source = _even(m - c_in, m * (k_1 - 1))
    target = _even(c_out - m, c_out * (k_1 + k_2 - 2) - m * (k_1 - 1))
    return everything - sum(max(0, a - b - 1) for a in source for b in target)  # h^1(O(b - a))


def _even(rank: int, degree: int) -> list[int]:
    """Degrees of the line bundles of the most even splitting."""
    low, more = divmod(degree, rank)
    return [low + 1] * more + [low] * (rank - more)


def _outer_by_count(shape: TwoLayers, control: str) -> int:
    c_in, m, c_out, k_1, k_2 = shape
    fixed = (m - min(m, c_in * k_1)) * (m - min(m, c_out * k_2))  # symmetries that move nothing
    symmetries = 0 if control == "no-symmetry" else m * m - fixed
    return min(c_in * c_out * (k_1 + k_2 - 1), _size(shape) - symmetries)


def _wide(shape: TwoLayers, *, orthogonal: bool) -> int:
    """Rank of H for m >= min(c_in k_1, c_out k_2)."""
    c_in, m, c_out, k_1, k_2 = shape
    if c_in * k_1 > c_out * k_2:
        c_in, c_out, k_1, k_2 = c_out, c_in, k_2, k_1
    null = c_out * k_2 - c_in * k_1
    return 2 * m * c_in * k_1 + c_in * min(null * k_1, c_out * (k_1 + k_2 - 1) - (c_in if orthogonal else 0))


def _hankel_ranks(design: Design, control: str | None) -> list[int]:
    """r_l for l = 1, .., L - 1."""
    c_in, c_out, taps = design
    out = []
    for layer in range(1, len(taps)):
        a, b = (1 + sum(k - 1 for k in part) for part in (taps[:layer], taps[layer:]))
        if control == "fully-connected":
            a = b = 1
        elif control == "adjacent":
            a, b = taps[layer - 1], taps[layer]
        out.append(c_in * a + c_out * b if control == "sum" else min(c_in * a, c_out * b))
    return out


def _gap(found: Sequence[Rank]) -> tuple[Bounds, str | None]:
    """The largest singular value that counts as 0 against a thousandth of the smallest that does not, and what is amiss."""
    dropped, kept = [one.dropped for one in found], [one.kept / GAP for one in found]
    unclear = sum(zero > least for zero, least in zip(dropped, kept, strict=True))
    unmet = f"no clean gap at the cut in {unclear} of {len(found)} matrices" if unclear else None
    return Bounds(dropped, upper=kept, x_label="matrix", y_label="singular value / largest"), unmet
