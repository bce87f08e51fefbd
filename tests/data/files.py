"""Small files of every format that is read, as their programs write them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(6, 3))
PIXELS = RNG.integers(0, 256, (6, 8, 7), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9], dtype=np.uint8)
_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def npy(array: np.ndarray) -> bytes:
    """An array as NumPy saves it."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(*, packed: bool = False, **arrays: np.ndarray) -> bytes:
    """Arrays as NumPy saves them together."""
    file = io.BytesIO()
    save: Any = np.savez_compressed if packed else np.savez
    save(file, **arrays)
    return file.getvalue()


def npy_header(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    """What an array says of itself, without the array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of any members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    """An array as MNIST has it."""
    code = _CODES[array.dtype.str[1:]]
    return idx_header(array.shape, code) + array.astype(array.dtype.newbyteorder(">")).tobytes()


def idx_header(shape: Iterable[int], code: int = 8) -> bytes:
    """What an IDX array says of itself."""
    sizes = tuple(shape)
    return struct.pack(f">HBB{len(sizes)}I", 0, code, len(sizes), *sizes)


def cifar(labels: Iterable[tuple[int, ...]], images: np.ndarray) -> bytes:
    """Images of shape (n, 32, 32, 3) as CIFAR's binary version has them: red, green, blue planes after the labels."""
    planes = np.moveaxis(images, -1, 1).reshape(len(images), -1)
    return b"".join(bytes(label) + plane.tobytes() for label, plane in zip(labels, planes, strict=True))


def image(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """An image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def resized(png: bytes, width: int, height: int) -> bytes:
    """A PNG image whose header, and nothing else, says that it has another size."""
    header = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def write(path: Path, content: bytes | str) -> Path:
    """A file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
