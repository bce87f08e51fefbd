"""Whether a convolution layer can be orthogonal at all, decided from its numbers alone.

Write r for a residue of taps modulo the stride along an axis, L_r for the number of taps with that residue (r < min(k, S),
or there is none), q = floor((k - 1) / S) = max L_r - 1, and N for the outputs along the axis.

Circular. A block B(w) of the symbol has C prod S columns, but its columns of residue r >= k vanish in the basis of
residues, so that its rank is at most C prod min(k_i, S_i); an orthogonal layer needs the rank min(M, C prod S). Sufficient:
one tap of 1 for each output channel, a different pair of input channel and tap below min(k, S) for each, is orthogonal. So
possible iff min(M, C prod S) <= C prod min(k_i, S_i).

Same. No more than prod N min(k_i, S_i) inputs of a channel are seen (where k < S, the windows are disjoint and fit), which
bounds the rank of the matrix by prod N times that of a block. Sufficient: single taps as above, taken from the min(k, S)
whose windows never leave the input. The condition is the circular one.

Valid, more rows than columns. Let e_t be the squared norm of the taps t of an input channel. The diagonal of A^T A = I says
that at each input the e_t of all taps that see it add up to 1. Along an axis and a residue, those are sums over N
consecutive e_t, the sequence continued by zeros: the first is e_0 = 1, so e_1 = .. = e_{N-1} = 0, each further sum moves on
by one, e_t has period N, and the sequence ends in e_{L-1} = 1: N divides L - 1. The L_r are all equal if S divides k; else
two of them differ by 1 and N = 1 (or some inputs are unseen, k < S). The axes are solved one after the other. Sufficient:
the taps at multiples of S N within each residue, to which every input belongs exactly once, carrying orthonormal columns: M
prod N >= C prod input is what they need. So possible iff along every axis N = 1, or S divides k and N divides k/S - 1.

Valid, no more rows than columns. Sufficient: M <= C prod p, p = sum_r ceil(L_r / N) the number of taps at multiples of S N
within their residues. Necessary along a single axis: A A^T = I says that a combination v of kernels, taken as polynomials, is
orthogonal to its shifts by 1, .., N - 1 strides. So the integral of h |v|^2 over all frequencies is 0, where

    h(w) = (1 + cos N w) / (cos w - cos(pi / N)),

of degree N - 1 and mean 0, is positive for |w| < pi / N and nowhere else. Residue by residue it is a sum over L_r + N - 1
frequencies at equal distances, of which ceil(L_r / N) are in |w| < pi / N and none is a zero of h, if placed well. Were M
larger than C p, some v other than 0 would vanish at those; what remains of the sum is negative, so that v vanishes at all
L_r + N - 1 frequencies, more than its degree: v = 0. (N = 1 needs no proof: p = k.) Several axes: an axis with N >= q + 1,
where all lags are seen, may be made as long as one likes, and then each frequency along it is a layer of the other axes with
min(k, S) times the channels, which is p. All but one of the others can be left to a count: the rows of a layer with one
output along them have sum_r (L_r - 1 + N) inputs for N outputs. So M <= C prod u min(p / u), u = p for N >= q + 1 and else
sum_r (L_r - 1 + N) / N. With two axes of N <= q there may be numbers between this and C prod p, of which nothing is known.

The three of these that the paper has: circular, valid with more rows than columns (impossible for k > S and large N,
possible for k = S), and same (S = 1 and N >= k, the layer has a single tap). The rest is ours.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, prod, sqrt

from ntkit.orthoconv._architecture import Architecture, Padding, Shape, Sizes, check_padding, per_axis


@dataclass(frozen=True)
class Existence:
    """Whether an orthogonal layer exists, and how close to one the best layer comes.

    Attributes:
        possible: True, False, or None where theory is silent (`search_orthogonal` looks for one).
        reason: why, in a sentence.
        rank: the largest rank of a symbol block, min(M, C prod min(k_i, S_i)).
        layer_rank: an upper bound on the rank of the layer matrix, which generic kernels reach if the padding is "circular"
            or "same"; None without a size.
        least_l_orth: the least value of L_orth, min(M, C prod S) - rank; None unless the padding is circular.
        least_frobenius: the least err_F where that is known, else None.
    """

    possible: bool | None
    reason: str
    rank: int
    layer_rank: int | None
    least_l_orth: int | None
    least_frobenius: float | None


@dataclass(frozen=True)
class Axis:
    """A layer along one axis without padding: what decides existence there.

    Attributes:
        taps: k; stride: S; size: N.
    """

    taps: int
    stride: int
    size: int

    @property
    def lengths(self) -> list[int]:
        """L_r: the number of taps of each residue below min(k, S)."""
        return [-(-(self.taps - r) // self.stride) for r in range(min(self.taps, self.stride))]

    @property
    def side(self) -> int:
        """Input points."""
        return self.stride * (self.size - 1) + self.taps

    @property
    def seen(self) -> int:
        """Input points that some output sees."""
        return sum(length - 1 + self.size for length in self.lengths)

    @property
    def spaced(self) -> int:
        """Taps at multiples of S N within their residue."""
        return sum(ceil(length / self.size) for length in self.lengths)

    @property
    def most(self) -> Fraction:
        """u: how many inputs the axis sees for each output, where it may be made as long as one likes if all lags are seen."""
        if self.size >= max(self.lengths):
            return Fraction(min(self.taps, self.stride))
        return Fraction(self.seen, self.size)

    @property
    def divides(self) -> bool:
        """Whether columns can be orthonormal along this axis."""
        whole, rest = divmod(self.taps, self.stride)
        return self.size == 1 or (rest == 0 and (whole - 1) % self.size == 0)

    @property
    def disjoint(self) -> bool:
        """Whether no input is seen twice."""
        return self.size == 1 or self.taps <= self.stride


def exists(
    *,
    out_channels: int,
    in_channels: int,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = "circular",
    size: Sizes | None = None,
    ndim: int | None = None,
) -> Existence:
    """Whether some kernel makes the layer orthogonal: A A^T = I, or A^T A = I where A has more rows than columns.

    Args:
        out_channels: M.
        in_channels: C.
        kernel_size: taps along each axis, a number or one for each.
        stride: along each axis.
        padding: as for `layer_matrix`.
        size: N, output points along each axis; only "valid" layers need it to be decided.
        ndim: number of axes, 1 to 3, where neither kernel_size nor stride tells it (default: 1).

    Raises:
        ValueError: a number below 1, axes that do not go together, an unknown padding, or no size for "valid".

    Example:
        >>> exists(out_channels=16, in_channels=1, kernel_size=3, stride=2, ndim=2).possible
        True
        >>> exists(out_channels=4, in_channels=1, kernel_size=(1, 4), stride=(2, 2)).reason
        '4 outputs and 4 inputs of a stride need rank 4 at every frequency, 1 x 1 x 2 taps within a stride have rank 2'

    Source: Achour, Malgouyres, Mamalet (2022), existence theorem (number unconfirmed) for circular padding and equal sides;
        the rest is derived in the module.
    """
    check_padding(padding)
    layer = Architecture(out_channels, in_channels, kernel_size, stride, ndim)
    sizes = None if size is None else per_axis("size", size, layer.ndim)
    if padding == "valid":
        if sizes is None:
            raise ValueError("size must be given for valid padding, where it decides; got None")
        return _valid(layer, sizes)
    needed, points = min(layer.out_channels, layer.inputs), None if sizes is None else prod(sizes)
    missing = needed - layer.rank
    has = f"{' x '.join(map(str, (layer.in_channels, *layer.phases)))} taps within a stride have rank {layer.rank}"
    needs = f"{layer.out_channels} outputs and {layer.inputs} inputs of a stride need rank {needed}"
    return Existence(
        possible=missing == 0,
        reason=f"{needs} at every frequency, {has}" if padding == "circular" else f"{needs} for each output point, {has}",
        rank=layer.rank,
        layer_rank=None if points is None else points * layer.rank,
        least_l_orth=missing if padding == "circular" else None,
        least_frobenius=0.0 if not missing else None if points is None else sqrt(points * missing),
    )


def _valid(layer: Architecture, sizes: Shape) -> Existence:
    axes = valid_axes(layer, sizes)
    rows = layer.out_channels * prod(sizes)
    columns = layer.in_channels * prod(axis.side for axis in axes)
    possible, reason = _by_columns(axes) if rows > columns else _by_rows(layer, axes)
    if possible is None and rows == columns and not all(axis.divides for axis in axes):
        possible, reason = _by_columns(axes)
    return Existence(
        possible=possible,
        reason=f"{rows} x {columns} matrix: {reason}",
        rank=layer.rank,
        layer_rank=min(rows, layer.in_channels * prod(axis.seen for axis in axes)),
        least_l_orth=None,
        least_frobenius=0.0 if possible else _least_valid(layer, axes),
    )


def valid_axes(layer: Architecture, sizes: Shape) -> list[Axis]:
    """The axes of a layer without padding."""
    return [Axis(*numbers) for numbers in zip(layer.kernel_size, layer.stride, sizes, strict=True)]


def _by_columns(axes: list[Axis]) -> tuple[bool, str]:
    bad = [axis for axis in axes if not axis.divides]
    if not bad:
        return True, "taps that many strides apart see every input once"
    k, s, n = bad[0].taps, bad[0].stride, bad[0].size
    needs = "orthonormal columns need S to divide k and N to divide k/S - 1 along every axis"
    return False, f"{needs}, not k={k}, S={s}, N={n}"


def _by_rows(layer: Architecture, axes: list[Axis]) -> tuple[bool | None, str]:
    outputs = layer.out_channels
    enough = layer.in_channels * prod(axis.spaced for axis in axes)
    most = floor(layer.in_channels * prod(axis.most for axis in axes) * min(axis.spaced / axis.most for axis in axes))
    if outputs <= enough:
        return True, f"{enough} taps whose windows do not overlap are enough for {outputs} outputs"
    if outputs > most:
        return False, f"at most {most} outputs can have orthonormal rows, not {outputs}"
    return None, f"{enough} outputs can have orthonormal rows and {most + 1} cannot, for {outputs} it is not known"


def _least_valid(layer: Architecture, axes: list[Axis]) -> float | None:
    """The least err_F of an impossible layer, where it is known.

    Disjoint windows: what is missing of the identity is a diagonal of ones, unseen inputs or superfluous outputs.
    One axis, more rows than columns: the squared deviations of the diagonal alone, a convex function of the e_t, are least
    where the first and the last tap of a residue share the norm alike, at (L - 1) n / (L - 1 + 2 n), n = N - L + 1 the
    number of inputs that see all taps: there all partial derivatives agree, -2 times the sum of 1 - (sum of e) over the N
    inputs that a tap sees. With an output channel for every such tap nothing else is left.
    """
    outputs, channels = layer.out_channels, layer.in_channels
    side, seen, points = (prod(values) for values in zip(*[(a.side, a.seen, a.size) for a in axes], strict=True))
    by_rows = outputs * points <= channels * side
    if all(axis.disjoint for axis in axes):
        return sqrt(points * outputs - channels * seen if by_rows else channels * (side - seen))
    lengths, size = axes[0].lengths, axes[0].size
    fits = size >= max(lengths) and outputs >= channels * sum(min(length, 2) for length in lengths)
    if by_rows or len(axes) > 1 or not fits:
        return None
    rest = [Fraction((length - 1) * (size - length + 1), length - 1 + 2 * (size - length + 1)) for length in lengths]
    return sqrt(channels * (sum(rest) + side - seen))
