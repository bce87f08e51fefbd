"""Convolution layers that a study is asked for: options, numbers, kernels of a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ntkit.claims import UsageError
from ntkit.studies._convolutions import PADDINGS, Axes, Convolution, Floats, by_axes, misfit, outputs
from ntkit.studies._finite import weights_error
from ntkit.studies._inputs import whole
from ntkit.studies._user_data import add_limit_option

LAYOUTS = {"oihw": "out, in, window: PyTorch", "hwio": "window, in, out: JAX, TensorFlow"}
MOST_CHANNELS, MOST_TAPS, MOST_SIDE = 2**20, 1024, 2**16
_NAMED = 12  # names of a file in a message
_LARGEST = 1e30  # entry of a kernel: products of six are formed in the search for the nearest orthogonal kernel


def add_convolution_options(parser: argparse.ArgumentParser) -> None:
    """Declare a layer by its numbers or the kernels of a file, and the images that it works on."""
    axes = "N, or NxM along the axes"
    channels, taps = whole(1, MOST_CHANNELS), _by_axis(MOST_TAPS)
    parser.add_argument("--in-channels", type=channels, metavar="C", help="input channels")
    parser.add_argument("--out-channels", type=channels, metavar="M", help="output channels")
    parser.add_argument("--kernel", type=taps, metavar="K", help=f"taps of the window, {axes}")
    parser.add_argument("--weights", metavar="FILE", help=".npz, .npy or .safetensors file of kernels, in place of these three")
    parser.add_argument("--layer", metavar="NAME", help="the array of the file (default: all with 3 to 5 axes)")
    parser.add_argument("--layout", choices=tuple(LAYOUTS), help=f"order of a kernel's axes (default: oihw); {_orders()}")
    add_limit_option(parser)
    parser.add_argument("--stride", type=taps, default=(1,), metavar="S", help=f"{axes} (default: 1)")
    parser.add_argument(
        "--size", type=_by_axis(MOST_SIDE), default=(32,), metavar="N", help=f"side of the input image, {axes} (default: 32)"
    )
    parser.add_argument("--padding", choices=PADDINGS, default="circular", help="at the border (default: circular)")
    parser.add_argument(
        "--ndim", type=whole(1, 3), metavar="D", help="axes of the image (default: 2; of a file, take only such layers)"
    )


def convolutions(options: argparse.Namespace) -> list[Convolution]:
    """The layers that the options of `add_convolution_options` ask for; at least one.

    Raises:
        UsageError: options that do not go together, a file or an array that cannot be used, a size that a layer does not fit.
    """
    numbers = {f"--{name.replace('_', '-')}": getattr(options, name) for name in ("in_channels", "out_channels", "kernel")}
    if options.weights is not None:
        for name, value in numbers.items():
            if value is not None:
                raise UsageError(f"{name} {by_axes(value)}: goes without --weights, whose kernels have their own")
        return _of_file(options)
    for name in ("layer", "layout"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} {getattr(options, name)}: goes with --weights")
    missing = [name for name, value in numbers.items() if value is None]
    if missing:
        raise UsageError(f"{', '.join(missing)}: must be given, unless --weights names a file")
    told = max(len(getattr(options, name)) for name in ("kernel", "stride", "size"))
    ndim = options.ndim or (told if told > 1 else 2)
    window = _spread("kernel", options.kernel, ndim)
    return [_on_images("layer", (options.out_channels, options.in_channels, *window), options)]


def _of_file(options: argparse.Namespace) -> list[Convolution]:
    from ntkit.data import arrays

    try:
        found = arrays(options.weights, max_bytes=options.max_bytes)
    except (ValueError, ImportError) as error:
        raise weights_error(error) from None
    source, axes = f"--weights {options.weights}", [options.ndim + 2] if options.ndim else [3, 4, 5]
    kernels = {name: array for name, array in found.items() if array.ndim in axes}
    wanted = f"{axes[0]} axes" if options.ndim else "3 to 5 axes"
    if options.layer is not None and options.layer not in kernels:
        if options.layer in found:
            raise UsageError(
                f"--layer {options.layer}: a kernel has {wanted}, this array has shape {found[options.layer].shape}"
            )
        raise UsageError(f"--layer {options.layer}: {options.weights} has no such array, its kernels are {_names(kernels)}")
    if not kernels:
        raise UsageError(f"{source}: has no array of {wanted}; its arrays are {_names(found)}")
    names = list(kernels) if options.layer is None else [options.layer]
    return [_on_images(name, None, options, _kernel(name, kernels[name], options)) for name in names]


def _kernel(name: str, array: np.ndarray[Any, Any], options: argparse.Namespace) -> Floats:
    """Finite float64 numbers in the order (M, C, k_1, .., k_d)."""
    source = f"--weights {options.weights}: {name}"
    if array.dtype.kind != "f":
        raise UsageError(f"{source} must be real floating point, got {array.dtype}{_by_name(options)}")
    if 0 in array.shape:
        raise UsageError(f"{source} must have at least one channel and tap along every axis, got shape {array.shape}")
    readings = {"oihw": array, "hwio": np.moveaxis(array, (-1, -2), (0, 1))}
    layout = options.layout or "oihw"
    (other,) = readings.keys() - {layout}
    kernel = readings[layout].astype(np.float64)
    bad = int((~np.isfinite(kernel)).sum())
    if bad:
        raise UsageError(f"{source} must be finite, got {bad} entries (of {kernel.size}) that are nan or infinite")
    largest = float(np.abs(kernel).max())
    if largest > _LARGEST:
        raise UsageError(f"{source} must have entries of at most {_LARGEST:g}, got {largest:g}{_by_name(options)}")
    side = _spread("size", options.size, array.ndim - 2)
    if not _within(kernel.shape, side):
        read = ", ".join(f"as {name} it has {_reading(readings[name].shape)}" for name in (layout, other))
        remedy = f"--layout {other}" if _within(readings[other].shape, side) else "a larger --size"
        raise UsageError(
            f"--layout {layout}: {name} of shape {array.shape} cannot work on images of {by_axes(side)}: {read}; try {remedy}"
            f"{_by_name(options)}"
        )
    if options.layout is None and len(set(kernel.shape[2:])) > 1 == len(set(readings[other].shape[2:])):
        print(f"notice: {name} is read as {_reading(kernel.shape)}; --layout {other}: {_reading(readings[other].shape)}")
    return kernel


def _within(shape: Axes, side: Axes) -> bool:
    """Whether the window is no larger than the image."""
    return all(k <= n for k, n in zip(shape[2:], side, strict=True))


def _on_images(name: str, shape: Axes | None, options: argparse.Namespace, kernel: Floats | None = None) -> Convolution:
    """The layer on images of the side that the options say, or a UsageError."""
    from ntkit.orthoconv import Architecture

    shape = kernel.shape if kernel is not None else shape
    assert shape is not None
    ndim, padding = len(shape) - 2, options.padding
    stride, side = _spread("stride", options.stride, ndim), _spread("size", options.size, ndim)
    layer = Architecture(shape[0], shape[1], shape[2:], stride)
    why = misfit(side, layer.kernel_size, layer.stride, padding)
    if why:
        which = f"{name}: " if kernel is not None else ""
        raise UsageError(f"--size {by_axes(side)}: {which}{why}")
    size = outputs(side, layer.kernel_size, layer.stride, padding)
    return Convolution(name, layer, padding, side, size, kernel)


def _by_axis(most: int) -> Callable[[str], Axes]:
    """For `type=` of an option: a number for all axes, or one for each, as in 3x5."""
    one = whole(1, most)

    def read(text: str) -> Axes:
        words = text.split("x")
        try:
            if len(words) > 3:
                raise argparse.ArgumentTypeError
            return tuple(one(word) for word in words)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from 1 to {most}, or one for each of up to 3 axes as in 3x5, got {text!r}"
            ) from None

    return read


def _spread(option: str, numbers: Axes, ndim: int) -> Axes:
    if len(numbers) not in (1, ndim):
        raise UsageError(
            f"--{option} {by_axes(numbers)}: must be one number, or one for each axis of the image, which has {ndim}"
        )
    return numbers * ndim if len(numbers) == 1 else numbers


def _reading(shape: Axes) -> str:
    return f"{shape[0]} output and {shape[1]} input channels and a window of {by_axes(shape[2:])}"


def _names(found: Iterable[str]) -> str:
    names = list(found)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "none") + more


def _by_name(options: argparse.Namespace) -> str:
    return "" if options.layer else "; --layer picks another array"


def _orders() -> str:
    return "; ".join(f"{name}: {order}" for name, order in LAYOUTS.items())
