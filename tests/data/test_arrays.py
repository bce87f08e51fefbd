"""Arrays in .npy, .npz and .safetensors files: what comes out, and what is refused."""

import gc
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from ntkit import data
from tests.data.files import LABELS, POINTS, npy, npy_header, npz, write, zipped


def test_load_refuses_what_is_no_array(here: Path) -> None:
    packed = npz(x=np.eye(50))
    for name, content in {
        "x.npy": npy(np.eye(50)), "x.npz": packed, "none.npz": npz(), "short.npy": npy(np.eye(50))[:500], "empty.npy": b"",
        "changed.npz": packed[:400] + b"\xff" * 50 + packed[450:], "short.npz": packed[:500],
        "archive.npz": zipped({"notes.txt": b"1 2 3"}), "bzip.npz": zipped({"x.npy": npy(np.eye(3))}, zipfile.ZIP_BZIP2),
    }.items():  # fmt: skip
        write(here / name, content)
    damaged = r"is no \.npy or \.npz file of plain numbers, or is damaged"
    for name, message in {
        "short.npy": r"is damaged: it says to hold 20,000 bytes, and has 372", "changed.npz": damaged, "empty.npy": damaged,
        "archive.npz": damaged, "bzip.npz": damaged, "short.npz": damaged, "none.npz": r"holds 0 arrays",
        "nowhere.npz": "there is no such file", ".": r"cannot be read \(Is a directory\)",
    }.items():  # fmt: skip
        with pytest.raises(data.DataError, match=rf"^{name}: {message}"):
            data.load(name)
    gc.collect()  # a file that was left open would be an error here
    assert data.load("x.npz").shape == data.load(here / "x.npy").shape == (50, 50)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(POINTS), np.array(2.5), np.zeros((0, 3)), np.arange(6, dtype=">i2").reshape(2, 3),
        np.array(["a", "bc"]), np.array([True, False]), np.float16([1, 2]),
    ],
)  # fmt: skip
def test_arrays_come_as_they_are(here: Path, array: np.ndarray) -> None:
    write(here / "a.npy", npy(array))
    for packed in (False, True):
        write(here / "a.npz", npz(a=array, packed=packed))
        for found in (*data.arrays("a.npz").values(), *data.arrays("a.npy").values(), data.load("a.npy"), data.load("a.npz")):
            assert found.dtype == array.dtype
            assert found.shape == array.shape
            np.testing.assert_array_equal(found, array)


def test_a_npy_file_is_mapped_and_an_array_of_an_archive_is_read_alone(here: Path) -> None:
    assert isinstance(data.load(write(here / "x.npy", npy(np.eye(100))), max_bytes=1), np.memmap)
    write(here / "x.npz", npz(small=np.eye(2), large=np.eye(100)))
    np.testing.assert_array_equal(data.load("x.npz", "small", max_bytes=32), np.eye(2))


def test_arrays_of_every_format_by_their_names(here: Path) -> None:
    given: dict[str, Any] = {"a": np.eye(3), "b/c.weight": np.arange(4, dtype=np.float16), "n": np.array([1, 2])}
    np.savez("x.npz", **given)
    save_file(given, "x.safetensors")
    np.save("one.npy", given["a"])
    for name in ("x.npz", "x.safetensors"):
        found = data.arrays(name)
        assert found.keys() == given.keys()
        for key, array in given.items():
            assert found[key].dtype == array.dtype
            np.testing.assert_array_equal(found[key], array)
    np.testing.assert_array_equal(data.arrays("one.npy")["one"], given["a"])


def _safetensors(file: Path, dtype: str, shape: list[int], numbers: bytes) -> Path:
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(numbers)]}}).encode()
    return write(file, len(header).to_bytes(8, "little") + header + numbers)


def test_arrays_in_dtypes_that_numpy_lacks(here: Path) -> None:
    brain = _safetensors(here / "x.safetensors", "BF16", [2], np.array([0x3F80, 0xC000], "<u2").tobytes())
    np.testing.assert_array_equal(data.arrays(brain)["w"], np.array([1.0, -2.0], dtype=np.float32))
    small = _safetensors(here / "y.safetensors", "F8_E4M3", [2], b"\0\0")
    with pytest.raises(ValueError, match="must be of a dtype that NumPy has, or bfloat16, but w is F8_E4M3"):
        data.arrays(small)


def test_arrays_that_say_to_be_larger_than_their_file_are_refused(here: Path) -> None:
    write(here / "huge.npy", npy_header((2**45,)))
    write(here / "endless.npy", npy_header((10**30, 10**30)))
    write(here / "header.npy", b"\x93NUMPY\2\0" + (2**31).to_bytes(4, "little") + b" " * 100)
    write(here / "negative.npy", npy_header((-1,)))
    write(here / "bomb.npz", zipped({"a.npy": npy_header((2**45,))}))
    for name, message in {
        "huge.npy": "is damaged: it says to hold 281,474,976,710,656 bytes, and has 0",
        "endless.npy": r"is damaged: it says to hold more than 1e\+18 bytes", "negative.npy": "or is damaged",
        "header.npy": "or is damaged", "bomb.npz": "is damaged: a says to hold 281,474,976,710,656 bytes, and has 0",
    }.items():  # fmt: skip
        with pytest.raises(data.DataError, match=f"{name}: .*{message}"):
            data.arrays(name)
        with pytest.raises(data.DataError, match=f"{name}: .*{message}"):
            data.load(name)
    with pytest.raises(data.DataError, match=r"is no .safetensors file, or is damaged"):
        data.arrays(_safetensors(here / "huge.safetensors", "F64", [2**45], b"\0" * 8))


class Trap:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def test_nothing_that_would_run_code_is_read(here: Path) -> None:
    objects = np.array([Trap()], dtype=object)
    np.save("objects.npy", objects, allow_pickle=True)
    np.savez("objects.npz", X=objects, y=LABELS)
    write(here / "pickle.npz", pickle.dumps(Trap()))
    write(here / "model.pkl", pickle.dumps(Trap()))
    write(here / "torch.pt", zipped({"model/data.pkl": pickle.dumps(Trap()), "model/version": b"3"}))
    write(here / "torch.npz", (here / "torch.pt").read_bytes())
    write(here / "struct.npy", npy_header((1,), "|O") + pickle.dumps(objects))
    for file in here.iterdir():
        with pytest.raises(data.DataError, match=f"{file.name}: holds pickled Python objects, which are not read"):
            data.read(file)
        with pytest.raises(data.DataError, match=f"{file.name}: holds pickled Python objects, which are not read"):
            data.arrays(file)
    assert not Path("trapped").exists()


def test_inputs_and_labels_of_an_archive(here: Path) -> None:
    write(here / "usual.npz", npz(y=LABELS, X=POINTS, other=np.eye(2)))
    write(
        here / "own.npz", npz(points=POINTS, kinds=LABELS, short=LABELS[:3], table=POINTS, complex=POINTS * 1j, one=np.array(1))
    )
    write(here / "one.npz", npz(anything=POINTS))
    write(here / "kinds.npy", npy(LABELS.astype(str)))
    for found in (
        data.read("usual.npz"), data.read("own.npz", key="points", labels="kinds"),
        data.read("usual.npz", key="X", labels="y"), data.read("one.npz", labels="kinds.npy"),
    ):  # fmt: skip
        np.testing.assert_array_equal(found.x, POINTS)
        assert found.y is not None
        np.testing.assert_array_equal(found.y.astype(int), LABELS)
    assert data.read("usual.npz", key="X").y is None
    assert data.read("one.npz").y is None
    assert data.read("one.npz", labels="kinds.npy").files == (Path("one.npz"), Path("kinds.npy"))
    points = {"key": "points"}
    for given, message in {
        ("usual.npz", "z"): r"labels z: usual\.npz: holds no array 'z', only y, X, other",
        ("own.npz", "short"): r"labels short: must be one number or word for each of the 6 inputs, got shape \(3,\) of uint8",
        ("own.npz", "table"): r"labels table: must be one number or word .*, got shape \(6, 3\) of float64",
        ("own.npz", "nowhere.npy"): r"labels nowhere\.npy: there is no such file",
        ("kinds.npy", "y"): r"labels y: kinds\.npy holds one array; must be a \.npy or \.npz file of labels",
    }.items():
        file, labels = given
        with pytest.raises(data.DataError, match=f"^{message}") as caught:
            data.read(file, labels=labels, **(points if file == "own.npz" else {}))
        assert caught.value.argument == "labels"
    for key, message in {
        None: r"own\.npz: holds 6 arrays \(points, kinds, short, table, complex, one\); choose one by its key",
        "x": r"own\.npz: holds no array 'x', only points", "complex": r"own\.npz: must hold real numbers, got dtype complex128",
        "one": r"own\.npz: must have shape \(inputs, \.\.\.\), got a single number",
    }.items():  # fmt: skip
        with pytest.raises(data.DataError, match=f"^{message}"):
            data.read("own.npz", key=key)
    with pytest.raises(data.DataError, match=r"kinds\.npy: must hold real numbers, got dtype <U3"):
        data.read("kinds.npy")


def test_format_is_seen_where_the_ending_does_not_tell(here: Path) -> None:
    write(here / "größe 日本", npy(POINTS))
    write(here / "archive.data", npz(X=POINTS, y=LABELS))
    for name in ("größe 日本", "archive.data"):
        np.testing.assert_array_equal(data.read(name).x, POINTS)
    write(here / "notes.txt", "1 2 3")
    with pytest.raises(data.DataError, match=r"notes\.txt: must be \.npy, \.npz, \.csv, .*, or a folder of images"):
        data.read("notes.txt")
