"""`ntkit analyze orthoconv`: layers by their numbers, kernels of files, what it writes, and what it refuses."""

import csv
import hashlib
import json
import pickle
import re
import shlex
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from ntkit.cli import main
from ntkit.orthoconv import construct, exists, l_orth, singular_values
from ntkit.studies import Parts

RNG = np.random.default_rng(0)
KERNELS = {
    "conv1": RNG.normal(size=(4, 3, 3, 3)),
    "blocks/down.weight": RNG.normal(size=(8, 2, 1, 1)).astype(np.float32),
    "line": RNG.normal(size=(2, 2, 5)),
    "dense": RNG.normal(size=(10, 8)),
}


def analyze(*arguments: object) -> int:
    return main(["analyze", "orthoconv", *map(str, arguments)])


def layers(file: str = "all.json") -> Any:
    return json.loads(Path(file).read_text())["layers"]


@pytest.fixture(autouse=True)
def _files(here: Path) -> None:
    np.savez("kernels.npz", **KERNELS)
    np.save("one.npy", KERNELS["conv1"])
    save_file(KERNELS, "kernels.safetensors")
    turned = {name: np.moveaxis(array, (0, 1), (-1, -2)) for name, array in KERNELS.items() if array.ndim > 2}
    np.savez("turned.npz", **turned)


def test_a_possible_layer_with_an_orthogonal_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = ("--in-channels", 4, "--out-channels", 8, "--kernel", 3, "--stride", 2, "--size", 12)
    assert analyze(*numbers, "--out", "out", "--format", "svg", "--json", "all.json") == 0
    shown = capsys.readouterr().out
    assert "layer      4 -> 8 channels, 3x3, stride 2x2, circular" in shown
    assert "images     12x12 to 6x6, a matrix of 288 x 576" in shown
    assert "orthogonal possible: 8 outputs and 16 inputs of a stride need rank 8" in shown
    assert "change" not in shown
    (layer,) = layers()
    record = json.loads(Path("out/record.json").read_text())
    assert record["results"] == {"layers": [layer]}
    assert (record["seed"], record["inputs"]) == (0, [])
    assert layer["kernels"].keys() == {"orthogonal", "gaussian"}
    assert (layer["least_l_orth"], layer["least_frobenius"], layer["changes"]) == (0, 0.0, {})
    data = np.load("out/data.npz")
    assert l_orth(data["orthogonal.kernel"], 2) < 1e-24
    np.testing.assert_allclose(data["orthogonal.singular_values"], 1, atol=1e-13)
    values, facts = data["gaussian.singular_values"], layer["kernels"]["gaussian"]
    np.testing.assert_array_equal(values, singular_values(data["gaussian.kernel"], 6, 2))
    assert facts["largest"][0] < values[0] < facts["largest"][1]
    assert facts["smallest"][0] < values[-1] < facts["smallest"][1]
    assert facts["spectral_error_bounds"][0] <= facts["spectral_error"] <= facts["spectral_error_bounds"][1]
    assert facts["frobenius_error"] ** 2 == pytest.approx(36 * facts["l_orth"])
    assert facts["least_distance"] <= np.linalg.norm(data["gaussian.kernel"] - data["orthogonal.kernel"])
    with Path("out/layers.csv").open() as file:
        assert [row["kernel"] for row in csv.DictReader(file)] == ["orthogonal", "gaussian"]
    assert "Can be orthogonal" in Path("out/figure.svg").read_text()


def test_an_impossible_layer_and_what_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = ("--in-channels", 1, "--out-channels", 9, "--kernel", "2x3", "--stride", 3, "--size", 12)
    assert analyze(*numbers, "--json", "all.json") == 0
    shown = capsys.readouterr().out
    assert "orthogonal impossible: 9 outputs" in shown
    assert "at least   L_orth 3, err_F 6.9282" in shown
    assert "possible with at most 6 output channels, or with a kernel of 3x3, or with a stride of 2x2" in shown
    assert shown.splitlines()[-2].split()[-3:] == ["0", "inf", "-"]  # of nine singular values three are 0
    (layer,) = layers()
    assert layer["changes"] == {"out_channels": 6, "kernel_size": [3, 3], "stride": [2, 2]}
    assert layer["kernels"].keys() == {"gaussian"}
    assert layer["kernels"]["gaussian"]["condition"][1] is None
    assert not Path("out").exists()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["circular", "same", "valid"])
def test_changes_are_the_nearest_that_do(padding: str, stride: int) -> None:
    """Against a search through all numbers."""
    side = 12

    def possible(outputs: int, taps: int, stride: int) -> bool:
        size = (side - taps) // stride + 1 if padding == "valid" else side // stride
        numbers = {"out_channels": outputs, "in_channels": 1, "kernel_size": taps, "stride": stride}
        return exists(**numbers, padding=padding, size=size).possible is True  # type: ignore[arg-type]

    for taps, outputs in ((1, 3), (2, 4), (3, 3), (4, 2)):
        numbers = ("--in-channels", 1, "--out-channels", outputs, "--kernel", taps, "--stride", stride, "--size", side)
        assert analyze(*numbers, "--padding", padding, "--ndim", 1, "--json", "all.json") == 0
        (layer,) = layers()
        if layer["possible"]:
            assert layer["changes"] == {}
            continue
        fewer = [m for m in range(1, outputs) if possible(m, taps, stride)]
        assert layer["changes"].get("out_channels") == (max(fewer) if fewer else None)
        windows = [k for k in range(1, max(taps, stride) + 1) if possible(outputs, k, stride)]
        assert abs(layer["changes"]["kernel_size"][0] - taps) == min(abs(k - taps) for k in windows)
        strides = [s for s in range(1, stride) if (padding == "valid" or side % s == 0) and possible(outputs, taps, s)]
        assert layer["changes"].get("stride") == ([max(strides)] if strides else None)


@pytest.mark.parametrize("file", ["kernels.npz", "kernels.safetensors", "turned.npz"])
def test_all_layers_of_a_file(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    layout = ("--layout", "hwio") if file == "turned.npz" else ()
    options = ("--weights", file, "--size", 8, "--stride", 2, *layout, "--json", "all.json")
    assert analyze(*options, "--out", "out", "--format", "svg") == 0
    shown = capsys.readouterr().out
    assert "3 layers on images of 8x8" in shown or "3 layers on images of 8" in shown
    assert "blocks/down.weight: orthogonal impossible" in shown
    found = {layer["layer"]: layer for layer in layers()}
    assert found.keys() == KERNELS.keys() - {"dense"}
    assert found["blocks/down.weight"]["changes"] == {"out_channels": 2, "kernel_size": [2, 2], "stride": [1, 1]}
    data = np.load("out/data.npz")
    for name, layer in found.items():
        kernel = KERNELS[name].astype(float)
        values = singular_values(kernel, 4, 2)
        facts = layer["kernels"]["given"]
        np.testing.assert_allclose(data[f"{name}.singular_values"], values, atol=1e-13)
        assert facts["l_orth"] == pytest.approx(float(l_orth(kernel, 2)))
        assert facts["nearest_left_out"] == ("none exists" if name == "blocks/down.weight" else "")
        if facts["nearest"]:
            assert facts["least_distance"] <= facts["nearest"]["distance"]
    with Path("out/layers.csv").open() as file_:
        assert {row["layer"] for row in csv.DictReader(file_)} == found.keys()
    picture = Path("out/figure.svg").read_text()
    assert "blocks/down.weight" in picture
    assert "cannot be orthogonal" in picture


def test_one_layer_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze("--weights", "kernels.npz", "--layer", "line", "--size", 9, "--out", "out", "--format", "svg") == 0
    assert "layer      line: 2 -> 2 channels, 5, stride 1, circular" in capsys.readouterr().out
    assert "line: can be orthogonal" in Path("out/figure.svg").read_text()
    assert analyze("--weights", "one.npy", "--size", 6, "--nearest", 0, "--json", "all.json") == 0
    assert [layer["layer"] for layer in layers()] == ["one"]
    assert analyze("--weights", "kernels.npz", "--ndim", 1, "--size", 6, "--json", "all.json") == 0
    assert [layer["layer"] for layer in layers()] == ["line"]


def test_the_nearest_orthogonal_kernel_and_why_it_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    layer = {"out_channels": 2, "in_channels": 3, "kernel_size": 2, "ndim": 2}
    kernel = construct(jax.random.key(0), **layer) + 1e-3 * RNG.normal(size=(2, 3, 2, 2))  # type: ignore[arg-type]
    line = RNG.normal(size=(3, 5, 1))  # a matrix: its polar factor is the nearest
    np.savez("near.npz", near=kernel, line=line, **{"$large^": RNG.normal(size=(16, 16, 3, 3))})
    assert analyze("--weights", "near.npz", "--size", 6, "--out", "out", "--json", "all.json") == 0
    facts = {layer["layer"]: layer["kernels"]["given"] for layer in layers()}
    assert 0 < facts["near"]["least_distance"] <= facts["near"]["nearest"]["distance"] < 1e-2
    assert facts["near"]["nearest"]["spectral_error"] < 1e-9
    found = np.load("out/data.npz")
    assert np.linalg.norm(found["near.nearest"] - kernel) == pytest.approx(facts["near"]["nearest"]["distance"])
    np.testing.assert_allclose(singular_values(found["near.nearest"], 6), 1, atol=1e-9)
    apart = np.linalg.norm(np.linalg.svd(line[:, :, 0], compute_uv=False) - 1)
    np.testing.assert_allclose([facts["line"]["least_distance"], facts["line"]["nearest"]["distance"]], apart, rtol=1e-9)
    assert facts["$large^"]["nearest"] is None
    assert facts["$large^"]["nearest_left_out"] == "--nearest 2000: it has 2304 weights"
    assert f"  {apart:.4g}\n" in capsys.readouterr().out
    assert analyze("--weights", "near.npz", "--size", 6, "--nearest", 0, "--json", "all.json") == 0
    assert {layer["kernels"]["given"]["nearest"] for layer in layers()} == {None}


def test_an_orthogonal_kernel_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Its curve is flat and not the rounding of it, enlarged."""
    np.save("orthogonal.npy", construct(jax.random.key(0), out_channels=3, in_channels=2, kernel_size=(3, 3)))
    assert analyze("--weights", "orthogonal.npy", "--size", 6, "--out", "out", "--json", "all.json") == 0
    assert capsys.readouterr().out.splitlines()[-2].split()[-4:] == ["1", "1", "1", "0"]
    facts = layers()[0]["kernels"]["given"]
    assert facts["spectral_error"] < 1e-13
    assert facts["least_distance"] == facts["nearest"]["distance"] == 0
    ticks = set(re.findall(r"mathdefault\{([.\d]+)\}", Path("out/figure.svg").read_text()))
    assert {"0.96", "1.00", "1.04"} <= ticks


def test_kernels_of_any_scale() -> None:
    """Singular values are those of the kernel times its scale; and all is finite."""
    kernel = RNG.normal(size=(3, 2, 3))
    np.savez("scales.npz", one=kernel, tiny=1e-200 * kernel, huge=1e29 * kernel, none=0 * kernel)
    assert analyze("--weights", "scales.npz", "--size", 5, "--json", "all.json", "--out", "out") == 0
    facts = {layer["layer"]: layer["kernels"]["given"] for layer in layers()}
    for name, scale in {"tiny": 1e-200, "huge": 1e29}.items():
        for end in ("largest", "smallest", "condition"):
            by = 1 if end == "condition" else scale
            np.testing.assert_allclose(facts[name][end], by * np.array(facts["one"][end]), rtol=1e-12)
    assert (facts["none"]["largest"], facts["none"]["condition"]) == ([0, 0], [None, None])


def test_a_record_repeats_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--weights", "kernels.npz", "--size", 8, "--stride", 2, "--out", "out")
    assert analyze(*given) == 0
    before = {file.name: file.read_bytes() for file in Path("out").iterdir()}
    assert before.keys() == {"record.json", "layers.csv", "data.npz", "figure.svg"}
    record = json.loads(before["record.json"])
    assert record.keys() == {"command", "versions", "seed", "inputs", "conventions", "results"}
    digest = hashlib.sha256(Path("kernels.npz").read_bytes()).hexdigest()
    assert record["inputs"] == [{"file": "kernels.npz", "sha256": digest}]
    assert record["versions"]["numpy"] == np.__version__
    assert main(shlex.split(record["command"])[1:]) == 0
    assert {file.name: file.read_bytes() for file in Path("out").iterdir()} == before
    made = ("--in-channels", 2, "--out-channels", 2, "--kernel", 2, "--size", 4, "--json", "all.json")
    found = []
    for seed in (0, 0, 1):
        assert analyze(*made, "--seed", seed) == 0
        found.append(layers())
    assert found[0] == found[1] != found[2]


def test_an_interrupted_run_goes_on_with_the_layers_that_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same bytes; with --nearest 0, with the one of which nothing else is asked; with --no-resume, with none."""
    decomposed: list[tuple[int, ...]] = []

    def counted(kernel: Any, *arguments: Any) -> Any:
        if len(decomposed) == most:
            raise KeyboardInterrupt
        decomposed.append(kernel.shape)
        return singular_values(kernel, *arguments)

    given = ("--weights", "kernels.npz", "--size", 8, "--stride", 2, "--out")
    assert analyze(*given, "whole") == 0
    monkeypatch.setattr("ntkit.orthoconv.singular_values", counted)
    most = 2
    assert analyze(*given, "out", "--json", "all.json") == 130
    assert [file.name for file in Path("out").iterdir()] == ["parts.partial"]
    assert not Path("all.json").exists()
    for options, left in (((), 1), (("--nearest", 0), 2), (("--no-resume",), 3)):
        shutil.copytree("out", "again")
        decomposed.clear()
        most = 9
        assert analyze(*given, "again", *options) == 0
        assert len(decomposed) == left
        assert sorted(file.name for file in Path("again").iterdir()) == ["data.npz", "figure.svg", "layers.csv", "record.json"]
        if not options:
            for name in ("data.npz", "figure.svg", "layers.csv"):
                assert Path("again", name).read_bytes() == Path("whole", name).read_bytes()
        shutil.rmtree("again")


def test_a_part_that_was_damaged_is_computed_anew(tmp_path: Path) -> None:
    found = [parts.found_or({"n": 1}, lambda: {"x": np.arange(3)}) for parts in (Parts(None), Parts(tmp_path / "parts"))]
    (file,) = (tmp_path / "parts").iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    found += [Parts(tmp_path / "parts").found_or({"n": 1}, lambda: {"x": np.arange(3)})]
    found += [Parts(tmp_path / "parts").found_or({"n": 1}, lambda: pytest.fail("it is there"))]
    for one in found:
        np.testing.assert_array_equal(one["x"], [0, 1, 2])
    with pytest.raises(TypeError, match="depends must hold words, numbers and arrays, got object"):
        Parts(tmp_path / "parts").found_or({"n": object()}, dict)


def test_a_kernel_that_may_be_read_the_other_way_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("turned.npy", RNG.normal(size=(3, 3, 2, 4)))
    noticed = "notice: turned is read as 3 output and 3 input channels and a window of 2x4; --layout hwio: 4 output and 2 input"
    assert analyze("--weights", "turned.npy", "--size", 4, "--nearest", 0) == 0
    assert noticed in capsys.readouterr().out
    for layout in ("oihw", "hwio"):
        assert analyze("--weights", "turned.npy", "--size", 4, "--nearest", 0, "--layout", layout) == 0
        assert "notice" not in capsys.readouterr().out


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_layers_with_a_border(padding: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Small ones are decomposed, the ends of large ones enclosed."""
    small = ("--in-channels", 2, "--out-channels", 2, "--kernel", 3, "--size", 6, "--padding", padding)
    assert analyze(*small, "--json", "all.json") == 0
    assert layers()[0]["kernels"]["gaussian"]["spectral_error"] is not None
    large = ("--in-channels", 8, "--out-channels", 8, "--kernel", 3, "--size", 24, "--padding", padding)
    assert analyze(*large, "--json", "all.json", "--out", "out", "--format", "svg") == 0
    facts = layers()[0]["kernels"]["gaussian"]
    assert facts["largest"][0] < facts["largest"][1] <= facts["promised"][1]
    assert facts["spectral_error"] is None
    assert "a Gaussian kernel: between these" in Path("out/figure.svg").read_text()
    assert "notice: matrices with a border that are too large" in capsys.readouterr().out
    cut = ("--in-channels", 1, "--out-channels", 1, "--kernel", 3, "--stride", 2, "--size", 8, "--padding", "valid")
    assert analyze(*cut) == 0
    assert "notice: layer sees 7x7 of the image; the rest is left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--in-channels", "0"), "must be a whole number from 1 to 1048576, got '0'"),
        (("--stride", "0"), "must be a whole number from 1 to 1024, or one for each of up to 3 axes as in 3x5, got '0'"),
        (("--kernel", "3x3x3x3"), "one for each of up to 3 axes as in 3x5, got '3x3x3x3'"),
        (("--size", "9"), "--size 9x9: must be a multiple of the stride 2 where padding is circular, such as 8 or 10"),
        (("--size", "9", "--padding", "same"), "must be a multiple of the stride 2 where padding is same"),
        (("--size", "2", "--padding", "valid"), "--size 2x2: must be at least the 3 taps of the kernel where padding is valid"),
        (("--kernel", "3x3", "--ndim", "1"), "for each axis of the image, which has 1"),
        (("--kernel", "3x3", "--stride", "2x2x2"), "for each axis of the image, which has 3"),
        (("--padding", "full"), "invalid choice: 'full'"),
        (("--layer", "a"), "--layer a: goes with --weights"),
        (("--weights", "one.npy"), "--in-channels 4: goes without --weights"),
        (("--nearest", "-1"), "argument --nearest: must be a whole number from 0 to 1048576, got '-1'"),
        (("--out", "one.npy"), "-o one.npy: cannot be a folder (File exists)"),
        (("--json", "/proc/all.json"), "--json /proc/all.json: cannot be written (No such file or directory)"),
        (("--json", "nowhere/all.json"), "--json nowhere/all.json: must be a file in a folder that exists"),
        (("--out-channels", "4096", "--in-channels", "4096"), "blocks of 4096 x 16384 to decompose"),
    ],
)
def test_numbers_that_are_refused(options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = ("--in-channels", "4", "--out-channels", "8", "--kernel", "3", "--stride", "2")
    refused(message, capsys, *numbers, *options)


def test_numbers_that_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    refused("--out-channels, --kernel: must be given, unless --weights names a file", capsys, "--in-channels", "3")


def refused(message: str, capsys: pytest.CaptureFixture[str], *options: str) -> None:
    try:
        status = analyze(*options)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


class Trap:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def test_files_that_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    packed = Path("kernels.npz").read_bytes()
    Path("short.npz").write_bytes(packed[: len(packed) // 2])
    Path("short.safetensors").write_bytes(Path("kernels.safetensors").read_bytes()[:-8])
    Path("text.npz").write_text("1 2 3\n")
    Path("text.safetensors").write_text("1 2 3\n" * 9)
    Path("pickle.npz").write_bytes(pickle.dumps(Trap()))
    np.save("objects.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez("objects.npz", plain=np.ones((1, 1, 3)), trap=np.array([Trap()], dtype=object))
    with zipfile.ZipFile("torch.npz", "w") as archive:  # as PyTorch saves
        archive.writestr("model/data.pkl", pickle.dumps(Trap()))
    Path("folder.npz").mkdir()
    with zipfile.ZipFile("bomb.npz", "w") as archive, archive.open("a.npy", "w") as file:  # says that it is 256 TiB
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**45,)})
    Path("trapped").unlink(missing_ok=True)
    for path, message in {
        "short.npz": "is no .npy or .npz file of plain numbers, or is damaged", "text.npz": "or is damaged",
        "short.safetensors": "is no .safetensors file, or is damaged", "text.safetensors": "is no .safetensors file",
        "pickle.npz": "holds pickled Python objects, which are not read", "objects.npy": "holds pickled Python objects",
        "objects.npz": "holds pickled Python objects", "torch.npz": "holds pickled Python objects",
        "folder.npz": "cannot be read (Is a directory)", "bomb.npz": "is damaged: a says to hold 281,474,976,710,656 bytes",
        "nowhere.npz": "there is no such file", "nowhere.safetensors": "there is no such file",
    }.items():  # fmt: skip
        refused(f"--weights {path}: ", capsys, "--weights", path)
        refused(message, capsys, "--weights", path)
    assert not Path("trapped").exists()


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.ones((2, 2, 3, 3), int), (), "bad.npz: conv must be real floating point, got int64; --layer picks another"),
        (np.ones((2, 2, 3, 3), complex), ("--layer", "conv"), "must be real floating point, got complex128"),
        (np.full((2, 2, 3, 3), np.nan), (), "must be finite, got 36 entries (of 36) that are nan or infinite"),
        (np.full((2, 2, 3), 1e31), (), "conv must have entries of at most 1e+30, got 1e+31; --layer picks another array"),
        (np.ones((2, 0, 3, 3)), (), "must have at least one channel and tap along every axis, got shape (2, 0, 3, 3)"),
        (np.ones((2, 2)), (), "has no array of 3 to 5 axes; its arrays are conv, other"),
        (np.ones((2, 2, 3)), ("--layer", "cnov"), "--layer cnov: bad.npz has no such array, its kernels are conv"),
        (np.ones((2, 2, 3)), ("--layer", "other"), "--layer other: a kernel has 3 to 5 axes, this array has shape (7,)"),
        (np.ones((2, 2, 3)), ("--stride", "2x2"), "--stride 2x2: must be one number, or one for each axis of the image"),
        (np.ones((2, 2, 3)), ("--stride", "5"), "--size 32: conv: must be a multiple of the stride 5"),
        (
            np.ones((3, 3, 64, 48)), (),
            "as oihw it has 3 output and 3 input channels and a window of 64x48, as hwio it has 48 output and 64 input "
            "channels and a window of 3x3; try --layout hwio",
        ),
        (np.ones((64, 48, 3, 3)), ("--layout", "hwio"), "a window of 64x48, as oihw it has 64 output and 48 input channels"),
        (np.ones((40, 40, 40)), (), "try a larger --size"),
    ],
)  # fmt: skip
def test_kernels_that_are_refused(
    array: np.ndarray, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez("bad.npz", conv=array, other=np.ones(7))
    refused(message, capsys, "--weights", "bad.npz", *options)


def test_without_safetensors_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    refused("needs the extra, pip install 'ntkit[safetensors]'", capsys, "--weights", "kernels.safetensors")
