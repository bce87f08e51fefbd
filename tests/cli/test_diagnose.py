"""`ntkit diagnose` as a user meets it: what it prints of a file, its exit status, and files that are refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from ntkit._commands import diagnose
from ntkit.claims import UsageError
from ntkit.cli import main, parser
from tests.support import ntkit


def gram(n: int = 12) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(n, 2 * n))
    return x @ x.T / (2 * n)


def wrong_pair() -> np.ndarray:
    matrix = gram()
    matrix[3, 7] = matrix[7, 3] = 2.5
    return matrix


def test_a_wrong_pair_in_a_file_is_named_on_lines_of_eighty_columns(tmp_path: Path) -> None:
    file = tmp_path / "mein Kérn.npy"
    np.save(file, wrong_pair())
    done = ntkit("diagnose", file.name, "--json", "found.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    labels = [line[:9].strip() for line in done.stdout.splitlines() if line[0] != " "]
    assert labels == ["matrix", "verdict", "cause", "remedy", "jitter", "dtype", "wrote fou"]
    assert "K[3, 7] = 2.5 exceeds sqrt(K_ii K_jj)" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["healthy"], found["verdict"], found["kernel"]) == (False, "not positive semidefinite", file.name)
    assert found["findings"][0]["pairs"] == [[3, 7]]
    assert found["smallest"][0] <= np.linalg.eigvalsh(wrong_pair())[0] <= found["smallest"][1]
    assert found["jitter"]["proved"] > -found["smallest"][1]


def test_exit_status_says_whether_anything_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("both.npz", good=gram(), bad=wrong_pair())
    np.savez("one.npz", gram())
    np.save("block.npy", np.ones((2, 3)))
    assert main(["diagnose", "one.npz"]) == 0
    assert "none is needed" in capsys.readouterr().out
    assert main(["diagnose", "both.npz", "--key", "good"]) == 0
    assert main(["diagnose", "both.npz", "--key", "bad"]) == 1
    assert main(["diagnose", "block.npy"]) == 1
    assert "a block K(x1, x2) of two sets has no eigenvalues" in capsys.readouterr().out.replace("\n         ", " ")


def test_files_and_options_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("both.npz", good=gram(), bad=wrong_pair())
    np.save("good.npy", gram())
    Path("text.npy").write_text("1, 2\n3, 4\n")
    np.save("pickled.npy", np.array([{}]), allow_pickle=True)
    Path("short.npy").write_bytes(Path("good.npy").read_bytes()[:-8])
    for arguments, message in {
        ("nowhere.npy",): "nowhere.npy: there is no such file",
        ("text.npy",): "text.npy: is no .npy or .npz file of plain numbers, or is damaged",
        ("pickled.npy",): "pickled.npy: holds pickled Python objects",
        ("short.npy",): "short.npy: is damaged",
        ("both.npz",): "choose one by --key",
        ("both.npz", "--key", "no"): "both.npz: holds no array",
        ("good.npy", "--key", "no"): "leave it out",
        ("good.npy", "--json", "no/such.json"): "--json no/such.json: must be a file in a folder that exists",
        ("good.npy", "--max-bytes", "many"): "--max-bytes: ",
        (
            "good.npy",
            "--max-bytes",
            "1k",
        ): "good.npy: takes 11,520 bytes, 10 times the matrix in float64, more than --max-bytes = 1,000",
        ("both.npz", "--key", "bad", "--max-bytes", "1k"): "more than --max-bytes = 1,000",
    }.items():
        assert main(["diagnose", *arguments]) == 2, arguments
        said = capsys.readouterr()
        assert said.out == ""
        assert message in said.err
        assert said.err.count("\n") == 1
        assert "Traceback" not in said.err


def test_a_matrix_that_memory_has_no_room_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(matrix: object) -> None:
        raise MemoryError

    np.save(tmp_path / "k.npy", gram())
    monkeypatch.setattr("ntkit.spectra.diagnose", none_left)
    with pytest.raises(UsageError, match="is too large for this memory"):
        diagnose.run(parser().parse_args(["diagnose", str(tmp_path / "k.npy")]))
