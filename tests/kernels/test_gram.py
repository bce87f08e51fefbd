"""Gram matrices by tiles: in memory, in files, as operators."""

import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy.sparse.linalg import eigsh

from ntkit.kernels import (
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Laplace,
    Relu,
    estimate,
    gram,
    gram_band,
    gram_operator,
    grams,
    serial,
)

pytestmark = pytest.mark.usefixtures("hardly_optimised")

VECTORS = np.random.default_rng(0).normal(size=(11, 30))
OTHERS = np.random.default_rng(1).normal(size=(5, 30))
IMAGES = np.random.default_rng(2).normal(size=(7, 4, 3, 2))
DENSE = serial(Dense(), Relu(), Dense(2**0.5), Relu(), Dense())
POOLED = serial(Conv(2, padding="same"), Relu(), Conv(2), Relu(), GlobalAvgPool(), Dense())
FLAT = serial(Conv(2, padding="circular"), Relu(), Flatten(), Dense())
TWICE = serial(Conv(2, padding="same"), Relu(), AvgPool(2), Conv(1), Relu(), GlobalAvgPool(), Dense())
CASES = {"dense": (DENSE, VECTORS), "pooled": (POOLED, IMAGES), "flat": (FLAT, IMAGES), "pooled twice": (TWICE, IMAGES)}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tile", [2, 50])
def test_bands_from_elsewhere_make_the_matrix_to_the_bit(name, tile, tmp_path):
    """Of one kind and of both, symmetric or not, in any order, in memory or in a file that is gone on with."""
    net, x = CASES[name]
    for second in (None, x[1:5]):

        def elsewhere(tile, bands, second=second):
            for band in reversed(bands):
                yield band, gram_band(net, x, second, kind="both", tile=tile, band=band, threads=1)

        def interrupted(tile, bands, second=second):
            for band, parts in elsewhere(tile, bands, second):
                yield band, parts
                raise KeyboardInterrupt

        expected = grams(net, x, second, tile=tile)
        np.testing.assert_array_equal(grams(net, x, second, tile=tile, elsewhere=elsewhere), expected)
        out = tmp_path / f"{second is None}-nngp.npy", tmp_path / f"{second is None}-ntk.npy"
        with pytest.raises(KeyboardInterrupt):
            grams(net, x, second, tile=tile, out=out, elsewhere=interrupted)
        kept = out[0].with_name(out[0].name + ".progress").read_text().split()[1:]
        assert len(kept) == 1
        asked = []

        def the_rest(tile, bands, asked=asked, elsewhere=elsewhere):
            asked += bands
            return elsewhere(tile, bands)

        np.testing.assert_array_equal(grams(net, x, second, tile=tile, out=out, elsewhere=the_rest), expected)
        assert int(kept[0]) not in asked


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ([0, 1, 1], "elsewhere must yield each of the bands that are missing once, got 1"),
        ([0, 1, 6], "elsewhere must yield each of the bands that are missing once, got 6"),
        ([5, 0], "elsewhere must yield all bands that are missing, but 4 are left, such as 1"),
    ],
)
def test_bands_that_are_not_those_are_refused(bands, message):
    def elsewhere(tile, missing):
        return ((band, gram_band(DENSE, VECTORS, tile=2, band=min(band, 5))) for band in bands)

    with pytest.raises(ValueError, match=message):
        gram(DENSE, VECTORS, tile=2, elsewhere=elsewhere)


def test_bands_of_another_form_are_refused():
    for wrong in (np.zeros((2, 4), np.float32), np.zeros((2, 3))):
        with pytest.raises(ValueError, match=r"band 1 must have shape \(2, 4\) and dtype float64, got \(2, "):
            gram(DENSE, VECTORS, tile=2, elsewhere=lambda tile, bands, wrong=wrong: iter([(1, (wrong,))]))
    with pytest.raises(ValueError, match="band must lie in 0 to 5, got 6"):
        gram_band(DENSE, VECTORS, tile=2, band=6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tile", [None, 3, 4])
def test_tiles_do_not_change_the_matrix(name, tile):
    net, x = CASES[name]
    for kind, other in (("ntk", None), ("nngp", x[2:5])):
        expected = getattr(net, kind)(x, other)
        got = gram(net, x, other, kind=kind, tile=tile)
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-14)
        if other is None:
            np.testing.assert_array_equal(got, got.T)


def test_near_pairs_keep_their_digits_in_tiles():
    base = np.random.default_rng(3).normal(size=(40, 30))
    x = np.concatenate([base, base, -base, base + 1e-7, 3 * base]).astype(np.float32)
    exact = np.asarray(DENSE.ntk(x.astype(np.float64)))
    got = gram(DENSE, x, tile=64)
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert (np.abs(got - exact) / scale).max() < 10 * np.finfo(np.float32).eps


def test_threads_do_not_change_a_bit():
    one, two = (gram(DENSE, VECTORS, tile=2, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    x = np.random.default_rng(0).normal(size=(11, 2))
    products = [gram_operator(DENSE, VECTORS, tile=2, threads=threads) @ x for threads in (1, 2)]
    np.testing.assert_array_equal(*products)


@pytest.mark.parametrize("name", ["dense", "pooled"])
def test_operators_are_the_matrix(name):
    net, x = CASES[name]
    matrix, operator = gram(net, x), gram_operator(net, x, tile=3)
    v = np.random.default_rng(4).normal(size=(len(x), 2))
    np.testing.assert_allclose(operator @ v, matrix @ v, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(operator @ v[:, 0], matrix @ v[:, 0], rtol=1e-12, atol=1e-13)
    top = eigsh(operator, k=1, which="LA", return_eigenvectors=False, v0=np.ones(len(x)))
    np.testing.assert_allclose(top[0], np.linalg.eigvalsh(matrix)[-1], rtol=1e-10)
    across = gram_operator(net, x, x[:2], tile=3)
    np.testing.assert_allclose(across.T @ v, gram(net, x, x[:2]).T @ v, rtol=1e-12, atol=1e-13)


def test_any_function_of_two_sets_has_a_gram_matrix():
    kernel = Laplace(2.0).gram
    np.testing.assert_allclose(gram(kernel, VECTORS, tile=4), kernel(VECTORS), rtol=1e-13)
    np.testing.assert_allclose(gram(kernel, VECTORS, OTHERS, tile=4), kernel(VECTORS, OTHERS), rtol=1e-13)


def test_files_hold_the_matrix_and_are_not_overwritten(tmp_path):
    path, seen = tmp_path / "k.npy", []
    matrix = gram(DENSE, VECTORS, out=path, tile=4, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(matrix, gram(DENSE, VECTORS, tile=4))
    np.testing.assert_array_equal(np.load(path), matrix)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [file.name for file in tmp_path.iterdir()] == ["k.npy"]
    with pytest.raises(ValueError, match=r"out: .*k\.npy exists already; remove it"):
        gram(DENSE, VECTORS, out=path)


class StopError(Exception):
    """Ends a run from outside."""


def test_an_interrupted_file_is_gone_on_with(tmp_path):
    path = tmp_path / "k.npy"

    def stop(done, total):
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        gram(DENSE, VECTORS, out=path, tile=3, progress=stop)
    with pytest.raises(ValueError, match=r"was begun with another kernel, other inputs or tiles"):
        gram(DENSE, VECTORS + 1, out=path, tile=3)
    half = np.load(path, mmap_mode="r+")
    half[0, 0] = 7.0  # stays only if the first rows are not computed again
    half.flush()
    matrix = gram(DENSE, VECTORS, out=path, tile=3)
    assert matrix[0, 0] == 7.0
    np.testing.assert_array_equal(matrix[1:], gram(DENSE, VECTORS, tile=3)[1:])


LARGE = """
    import sys, threading, time
    import numpy as np
    from ntkit.kernels import Dense, Relu, estimate, gram, serial

    def anonymous():
        return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("RssAnon"))

    net = serial(Dense(), Relu(), Dense(2**0.5))
    x = np.random.default_rng(0).normal(size=(6000, 64)).astype(np.float32)
    gram(net, x[:600])  # libraries and programs are loaded
    limit = estimate(net, x).working
    before, peak, done = anonymous(), 0, False

    def watch():
        global peak
        while not done:
            peak = max(peak, anonymous())
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    gram(net, x, out=sys.argv[1])
    done = True
    thread.join()
    print(peak - before, limit, 6000**2 * 4)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_file_takes_the_memory_that_was_estimated(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(LARGE), str(tmp_path / "k.npy")]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used, estimated, matrix = map(int, out.split())
    assert used <= estimated
    assert estimated < matrix / 2


INTERRUPTED = """
    import sys
    import numpy as np
    from ntkit.kernels import Dense, Relu, gram, serial

    net = serial(Dense(), Relu(), Dense(2**0.5))
    x = np.random.default_rng(0).normal(size=(5000, 64)).astype(np.float32)
    gram(net, x, out=sys.argv[1], tile=100, progress=lambda done, total: print(done, flush=True))
"""


def test_ctrl_c_leaves_a_file_to_go_on_with(tmp_path):
    path = tmp_path / "k.npy"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    finished = len((tmp_path / "k.npy.progress").read_text().split()) - 1
    assert 1 <= finished < 50


def test_ctrl_c_is_raised_between_tiles(tmp_path):
    seen = []

    def press(done, total):
        seen.append(done)
        if done == 2:
            signal.raise_signal(signal.SIGINT)
            seen.append("noted")  # not raised here, where threads may be starting

    with pytest.raises(KeyboardInterrupt):
        gram(DENSE, VECTORS, out=tmp_path / "k.npy", tile=2, threads=2, progress=press)
    assert seen == [1, 2, "noted"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("name", CASES)
def test_both_kernels_come_at_once(name, tmp_path):
    net, x = CASES[name]
    expected = net.kernels(x, x[:3])
    paths = tmp_path / "nngp.npy", tmp_path / "ntk.npy"
    for got in (grams(net, x, x[:3], tile=3), grams(net, x, x[:3], tile=4, out=paths), map(np.load, paths)):
        for matrix, right in zip(got, expected, strict=True):
            np.testing.assert_allclose(matrix, right, rtol=1e-13, atol=1e-14)
    assert estimate(net, x, kind="both").result == 2 * estimate(net, x).result


def test_both_files_are_gone_on_with(tmp_path):
    paths = tmp_path / "nngp.npy", tmp_path / "ntk.npy"

    def stop(done, total):
        raise StopError

    with pytest.raises(StopError):
        gram(DENSE, VECTORS, out=paths[1], tile=3, progress=stop)
    seen = []
    for matrix, kind in zip(
        grams(DENSE, VECTORS, out=paths, tile=3, progress=lambda *at: seen.append(at)), ("nngp", "ntk"), strict=True
    ):
        np.testing.assert_allclose(matrix, gram(DENSE, VECTORS, kind=kind, tile=3), rtol=1e-13)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]  # the first rows of the one alone are not enough


def test_nothing_is_left_of_what_never_began(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "ntk.npy").write_bytes(b"")
    with pytest.raises(ValueError, match=r"out: .*ntk\.npy exists already"):
        grams(DENSE, VECTORS, out=(tmp_path / "nngp.npy", tmp_path / "ntk.npy"))
    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(ValueError, match=r"out: there is no room for .*k\.npy of 968 bytes \(No space left on device\)"):
        gram(DENSE, VECTORS, out=tmp_path / "k.npy")
    assert [file.name for file in tmp_path.iterdir()] == ["ntk.npy"]


def test_a_file_that_was_removed_is_begun_anew(tmp_path):
    def stop(done, total):
        raise StopError

    path = tmp_path / "k.npy"
    for x in (VECTORS, VECTORS + 1):
        with pytest.raises(StopError):
            gram(DENSE, x, out=path, tile=3, progress=stop)
        path.unlink()
    np.testing.assert_array_equal(gram(DENSE, VECTORS, out=path, tile=3), gram(DENSE, VECTORS, tile=3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gram(DENSE, VECTORS, kind="both"), "kind must be .* got 'both'"),
        (lambda: gram(DENSE, VECTORS, kind="ntp"), "kind must be .* got 'ntp'"),
        (lambda: gram(DENSE, VECTORS, tile=0), "tile must be an int >= 1, or None, got 0"),
        (lambda: gram(lambda a, b: a, VECTORS, tile=4), r"kernel must map 4 and 4 inputs to shape \(4, 4\), got \(4, 30\)"),
        (lambda: gram(DENSE, VECTORS, out=np.zeros((2, 2))), r"out must have shape \(11, 11\) and dtype float64, got \(2, 2\)"),
        (lambda: gram(DENSE, VECTORS, out="k.txt"), "out must be the path of a .npy file, got 'k.txt'"),
        (lambda: estimate(Laplace(1.0).gram, VECTORS), "kernel must be a network"),
        (lambda: gram(serial(Relu(), Dense()), VECTORS), r"layer 0, Relu\(\), must directly follow"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
