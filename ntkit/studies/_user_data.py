"""The data of a study, in whatever format they are, and how much of them may be read."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from ntkit.claims import UsageError

if TYPE_CHECKING:
    from ntkit.data import Data

_DEFAULT = "digits"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Declare the data and their labels."""
    parser.add_argument(
        "--data", metavar="DATA", help="a set that ships with scikit-learn, by name (digits, iris, wine, ...; default: digits, "
        "8 x 8); a file: .npy, .npz, .csv, .tsv, IDX as of MNIST (also .gz), .bin of CIFAR; or a folder: CIFAR's, or one of "
        "folders of images. A file or folder that is called like a set is ./digits",
    )  # fmt: skip
    parser.add_argument(
        "--key", metavar="NAME", help="which array of a .npz file holds the inputs (default: the only one, or X)"
    )
    parser.add_argument(
        "--labels", metavar="NAME", help="labels of the inputs: an array of the .npz file (default: y beside X), a column of "
        "the .csv file by its name or number, coarse or fine of CIFAR-100, or a file of labels, .npy, .npz or IDX",
    )  # fmt: skip
    add_limit_option(parser)


def add_limit_option(parser: argparse.ArgumentParser) -> None:
    """Declare how much may be read."""
    said = "that data may take, and weights, as in 500M or 2G (default: a quarter of the memory)"
    parser.add_argument("--max-bytes", type=byte_count, metavar="N", help=said)


def byte_count(text: str) -> int:
    """For `type=` of an option: a number of bytes, plain or with a unit of 1000, 1000^2, ...

    Raises:
        ArgumentTypeError: anything else.

    Example:
        >>> byte_count("2G"), byte_count("1.5kB"), byte_count("100")
        (2000000000, 1500, 100)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)B?", text.upper(), re.ASCII)
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"must be a number of bytes, as in 500000, 500M or 2G, got {text!r}")
    return size


def source_of(options: argparse.Namespace) -> str:
    """The data as messages name them."""
    return _DEFAULT if options.data is None else f"--data {options.data}"


def found_data(options: argparse.Namespace, count: int) -> Data:
    """The data that the options of `add_file_options` ask for, at most so many of them; what a reader decided is said.

    Raises:
        UsageError: they cannot be read, or an option does not go with them.
    """
    from ntkit.data import DataError, read

    if options.data is None:
        for name in ("key", "labels"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} {getattr(options, name)}: goes with --data; the digits have their own labels")
    if options.data == "":
        raise UsageError("--data: must be a name, a file or a folder, got ''")
    try:
        found = read(options.data or _DEFAULT, labels=options.labels, key=options.key, max_bytes=options.max_bytes, count=count)
    except DataError as error:
        said = f"--{error}" if error.argument == "labels" else f"--data {error}"
        raise UsageError(said.replace("by its key", "by --key").replace("max_bytes", "--max-bytes")) from None
    for note in found.notes:
        print(f"notice: {note}")
    return found


def check_within(size: int, what: str, options: argparse.Namespace) -> None:
    """UsageError if numbers that are taken from the data have more bytes than may be read."""
    from ntkit.data import byte_limit

    limit = byte_limit(options.max_bytes)
    if size > limit:
        raise UsageError(f"{what} take {size:,} bytes, more than --max-bytes = {limit:,}")
