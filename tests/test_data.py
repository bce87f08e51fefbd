"""The data sets: what ships with scikit-learn, arrays in files, and points on spheres."""

import json
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.stats import kstest

from ntkit import data


def test_digits_are_the_ones_of_the_source():
    images, labels = data.digits()
    assert images.shape == (1797, 8, 8)
    assert images.dtype == np.float64
    assert labels.dtype == np.int64
    assert (images.min(), images.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(images * 16, np.round(images * 16))
    np.testing.assert_array_equal(np.bincount(labels), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


def test_digits_are_new_arrays_at_every_call():
    data.digits().images[:] = 7.0
    assert data.digits().images.max() == 1.0


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("dim", [1, 3])
def test_points_lie_on_the_sphere_in_the_dtype_asked_for(dtype, dim):
    points = data.sphere(jax.random.key(0), 20, dim, dtype=dtype)
    assert points.shape == (20, dim)
    assert points.dtype == dtype
    np.testing.assert_allclose(jnp.sum(points**2, axis=1), 1.0, rtol=4 * jnp.finfo(dtype).eps)


def test_points_are_uniform():
    # Archimedes: in R^3 the coordinate along any direction is uniform on [-1, 1]. A cube's points fail along the diagonal.
    points = np.asarray(data.sphere(jax.random.key(1), 20_000, 3))
    for direction in np.eye(3)[0], np.ones(3) / np.sqrt(3), np.array([0.6, -0.8, 0.0]):
        assert kstest(points @ direction, "uniform", args=(-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize(("count", "dim", "name"), [(0, 3, "count"), (3, 0, "dim")])
def test_a_size_below_one_is_refused(count, dim, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        data.sphere(jax.random.key(0), count, dim)


def test_load_refuses_what_is_no_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.eye(50))
    np.savez(tmp_path / "x.npz", x=np.eye(50))
    np.savez(tmp_path / "none.npz")
    (tmp_path / "short.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:500])
    packed = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "changed.npz").write_bytes(packed[:400] + b"\xff" * 50 + packed[450:])
    (tmp_path / "empty.npy").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "archive.npz", "w") as archive:
        archive.writestr("notes.txt", "1 2 3")
    for name, message in {
        "short.npy": "damaged", "changed.npz": "damaged", "empty.npy": "damaged", "archive.npz": "damaged",
        "none.npz": r"holds 0 arrays", "nowhere.npz": "there is no such file", ".": "cannot be read",
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=message):
            data.load(tmp_path / name)
    assert data.load(tmp_path / "x.npz").shape == data.load(str(tmp_path / "x.npy")).shape == (50, 50)


def test_arrays_of_every_format_by_their_names(tmp_path: Path) -> None:
    given = {"a": np.eye(3), "b/c.weight": np.arange(4, dtype=np.float16), "n": np.array([1, 2])}
    np.savez(tmp_path / "x.npz", **given)
    save_file(given, tmp_path / "x.safetensors")
    np.save(tmp_path / "one.npy", given["a"])
    for name in ("x.npz", "x.safetensors"):
        found = data.arrays(tmp_path / name)
        assert found.keys() == given.keys()
        for key, array in given.items():
            assert found[key].dtype == array.dtype
            np.testing.assert_array_equal(found[key], array)
    np.testing.assert_array_equal(data.arrays(tmp_path / "one.npy")["one"], given["a"])


def _safetensors(file: Path, dtype: str, shape: list[int], numbers: bytes) -> Path:
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(numbers)]}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + numbers)
    return file


def test_arrays_in_dtypes_that_numpy_lacks(tmp_path: Path) -> None:
    brain = _safetensors(tmp_path / "x.safetensors", "BF16", [2], np.array([0x3F80, 0xC000], "<u2").tobytes())
    np.testing.assert_array_equal(data.arrays(brain)["w"], np.array([1.0, -2.0], dtype=np.float32))
    small = _safetensors(tmp_path / "y.safetensors", "F8_E4M3", [2], b"\0\0")
    with pytest.raises(ValueError, match="must be of a dtype that NumPy has, or bfloat16, but w is F8_E4M3"):
        data.arrays(small)


def test_arrays_that_say_to_be_larger_than_their_file_are_refused(tmp_path: Path) -> None:
    for name, size in {"huge.npy": 2**45, "large.npy": 10**6}.items():
        with (tmp_path / name).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (size,)})
    with pytest.raises(ValueError, match=r"huge.npy: holds, or says that it holds, more than fits into memory"):
        data.arrays(tmp_path / "huge.npy")
    with pytest.raises(ValueError, match=r"large.npy: is no .npy or .npz file of plain numbers, or is damaged"):
        data.arrays(tmp_path / "large.npy")
    with pytest.raises(ValueError, match=r"is no .safetensors file, or is damaged"):
        data.arrays(_safetensors(tmp_path / "huge.safetensors", "F64", [2**45], b"\0" * 8))
