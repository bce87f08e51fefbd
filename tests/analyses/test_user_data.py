"""`--data`, `--key`, `--labels` and `--max-bytes` of studies: what they reach, and what is said where they do not."""

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest

from ntkit.cli import Parser, main
from ntkit.data import digits
from ntkit.studies import Inputs, add_data_options, add_study_options, channels_first, chosen_inputs, network_and_inputs
from tests.data.files import LABELS, PIXELS, POINTS, RNG, cifar, idx, image, npy, npy_header, npz, write, zipped

COLOURS = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
WORDS = ["cat", "dog", "cat"]
TABLE = "height,width,kind\n1,2,cat\n3,4,dog\n5,6,cat\n"


def inputs(*options: str, net: str = "dense") -> Inputs:
    """The inputs of a study that takes words."""
    parser = Parser()
    add_study_options(parser)
    return network_and_inputs(parser.parse_args(["--net", net, *options]))[1]


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The one line that the command says where it ends with status 2."""
    try:
        status = main(["analyze", "kernel", "--net", "dense", "-o", "out", *options])
    except SystemExit as exit_:
        status = int(str(exit_.code))
    assert status == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not Path("out").exists()
    return error


def test_formats_reach_a_study(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here / "größe 1.csv", TABLE)
    write(here / "mnist/train-images-idx3-ubyte.gz", gzip.compress(idx(PIXELS)))
    write(here / "mnist/train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS)))
    write(here / "data_batch_1.bin", cifar([(i,) for i in range(6)], COLOURS))
    write(here / "xy.npz", npz(X=POINTS, y=LABELS))
    for place, pixels in zip(("fotos/cat/1.png", "fotos/cat/2.png", "fotos/dog/1.png"), COLOURS, strict=False):
        write(here / place, image(pixels))
    grey, images = PIXELS[..., None], "conv3x3 gap"
    mnist, flowers = "mnist/train-images-idx3-ubyte.gz", [[5.1, 3.5, 1.4, 0.2], [6.6, 3.0, 4.4, 1.4]]
    for options, net, x, labels, name in (
        (("--count", "2"), images, digits().images[[0, 898]][..., None], [0, 8], "handwritten digits"),
        (("--data", "iris", "--count", "2"), "dense", flowers, ["setosa", "versicolor"], "iris flowers"),
        (("--data", "größe 1.csv", "--labels", "kind"), "dense", [[1, 2], [3, 4], [5, 6]], WORDS, "rows of größe 1.csv"),
        (("--data", mnist), images, grey, LABELS, f"inputs of {Path(mnist).name}"),
        (("--data", mnist), "conv3 gap", grey, LABELS, f"inputs of {Path(mnist).name}"),
        (("--data", "data_batch_1.bin"), "conv3 gap", COLOURS, range(6), "images of data_batch_1.bin"),
        (("--data", "data_batch_1.bin"), "dense", COLOURS.reshape(6, -1), range(6), "images of data_batch_1.bin"),
        (("--data", "fotos"), images, COLOURS[:3], ["cat", "cat", "dog"], "images of fotos"),
        (("--data", "xy.npz"), "dense", POINTS, LABELS, "inputs of xy.npz"),
    ):
        found = inputs(*options, net=net)
        np.testing.assert_array_equal(found.x, x)
        assert found.x.dtype == np.float64
        assert found.name == name
        assert found.labels is not None
        assert found.labels.tolist() == list(labels)
    shown = capsys.readouterr().out
    assert "notice: the first line of größe 1.csv is read as a header: height, width, kind\n" in shown
    assert "notice: labels of train-images-idx3-ubyte.gz are those of train-labels-idx1-ubyte.gz\n" in shown
    assert "notice: --data fotos holds uint8, converted to float64\n" in shown
    assert inputs("--data", "fotos").files == tuple(map(Path, ("fotos/cat/1.png", "fotos/cat/2.png", "fotos/dog/1.png")))
    np.testing.assert_array_equal(inputs("--as", "sequences", "--count", "3", net="conv3 gap").x[1], digits().images[599])


def test_channels_of_a_network_of_a_file_come_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here / "x.bin", cifar([(i,) for i in range(6)], COLOURS))
    parser = Parser()
    add_data_options(parser, 5)
    found, rows = chosen_inputs(parser.parse_args(["--data", "x.bin"]), "float32", 5)
    np.testing.assert_array_equal(rows, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(channels_first((3, 32, 32), found.x), np.moveaxis(COLOURS[:5], -1, 1))
    assert "channels are the last axis of the data, and are moved to the front" in capsys.readouterr().out
    np.testing.assert_array_equal(channels_first((3072,), found.x), COLOURS[:5].reshape(5, -1))
    assert "inputs of shape (32, 32, 3) are flattened in this order, channels last" in capsys.readouterr().out
    np.testing.assert_array_equal(channels_first((1, 8, 7), PIXELS[..., None]), PIXELS[:, None])
    assert not capsys.readouterr().out


def test_what_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here / "x y.csv", TABLE)
    write(here / "bomb.npz", zipped({"X.npy": npy_header((10**6,)) + bytes(8 * 10**6)}))
    write(here / "claim.npy", npy_header((10**9, 2)))
    write(here / "x.npz", npz(X=POINTS, y=LABELS[:4]))
    write(here / "x.npy", npy(np.zeros((1000, 100))))
    write(here / "x8.npy", npy(np.zeros((1000, 100), np.uint8)))
    write(here / "short-images-idx3-ubyte", idx(PIXELS)[:-1])
    write(here / "data_batch_1", pickle.dumps({}))
    write(here / "model.pt", zipped({"model/data.pkl": pickle.dumps({})}))
    write(here / "fotos/cat/1.png", image(COLOURS[0]))
    write(here / "fotos/dog/1.png", image(COLOURS[0, 1:]))
    for options, message in {
        ("x y.csv",): "--data x y.csv: line 2, column 3 (kind): must be a number, got 'cat'; is it the column of labels?",
        ("x y.csv", "--labels", "breed"): "--labels breed: x y.csv has no such column; its first line is height, width, kind",
        ("x y.csv", "--labels", "width"): "--data x y.csv: line 2, column 3 (kind): must be a number, got 'cat'",
        ("bomb.npz", "--max-bytes", "1M"): "holds, or says that it holds, 8,000,000 bytes, more than --max-bytes = 1,000,000",
        ("claim.npy",): "--data claim.npy: is damaged: it says to hold 16,000,000,000 bytes, and has 0",
        ("x.npz",): "--labels y: must be one number or word for each of the 6 inputs, got shape (4,) of uint8",
        ("x.npy", "--max-bytes", "100k"): "--data x.npy: 500 of its 1000 inputs have 400,000 bytes, more than --max-bytes = 1",
        ("x8.npy", "--max-bytes", "100k"): "--count 500: as float64 these inputs take 400,000 bytes, more than --max-bytes = 1",
        ("short-images-idx3-ubyte",): "is damaged: it says to hold 336 bytes, and has 335",
        ("data_batch_1",): "--data data_batch_1: is the pickled version of CIFAR, which is not read, since that can",
        ("model.pt",): "--data model.pt: holds pickled Python objects, which are not read",
        ("fotos",): "--data fotos/dog/1.png: must be an image of 32 x 32 pixels in mode RGB, as fotos/cat/1.png, got 32 x 31",
        ("irs",): "--data irs: there is no such file or folder, nor a data set of that name (breast_cancer, diabetes, digits",
        ("iris", "--labels", "y"): "--labels y: iris has labels of its own; leave it out",
        ("",): "--data: must be a name, a file or a folder, got ''",
        ("iris", "--max-bytes", "2X"): "argument --max-bytes: must be a number of bytes, as in 500000, 500M or 2G, got '2X'",
        ("iris", "--max-bytes", "0"): "argument --max-bytes: must be a number of bytes",
    }.items():  # fmt: skip
        assert message in refused(capsys, "--data", *options)


def test_a_set_is_studied_from_the_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["analyze", "kernel", "--net", "dense", "--data", "iris", "--count", "30", "--max-bytes", "1G", "-o", "out"]) == 0
    )
    assert "data     30 of 150 iris flowers, 4, float64" in capsys.readouterr().out
    x = np.load("out/nngp.npy")
    assert x.shape == (30, 30)
    assert x[0, 0] == pytest.approx((5.1**2 + 3.5**2 + 1.4**2 + 0.2**2) / 4)


@pytest.mark.parametrize("study", ["kernel", "landscape", "lipschitz", "orthoconv"])
def test_weights_may_not_take_more_either(here: Path, capsys: pytest.CaptureFixture[str], study: str) -> None:
    """What unpacks to two million bytes is not unpacked."""
    write(here / "net.npz", zipped({"W1.npy": npy_header((2, 125_000)) + bytes(2 * 10**6)}))
    net = ("--net", "dense64 relu dense10") if study == "kernel" else ()
    assert main(["analyze", study, *net, "--weights", "net.npz", "--max-bytes", "1M"]) == 2
    said = "--weights net.npz: holds, or says that it holds, 2,000,128 bytes, more than --max-bytes = 1,000,000"
    assert capsys.readouterr().err.startswith(f"ntkit: error: {said}")
