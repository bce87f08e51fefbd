"""Tables: headers, delimiters, labels, and what is said where something is no number."""

from pathlib import Path

import numpy as np
import pytest

from ntkit import data
from tests.data.files import write

PLAIN = "5.1,3.5,setosa\n4.9,-3e2,virginica\n nan , .5 ,setosa\n"
NUMBERS = np.array([[5.1, 3.5], [4.9, -300], [np.nan, 0.5]])
KINDS = ["setosa", "virginica", "setosa"]


@pytest.mark.parametrize(
    ("text", "name", "labels"),
    [
        (PLAIN, "x.csv", "3"),
        ("length,width,kind\n" + PLAIN, "x.csv", "kind"),
        ("length,width,kind\n" + PLAIN, "x.csv", "3"),
        ("\ufeffkind,length,width\nsetosa,5.1,3.5\nvirginica,4.9,-3e2\nsetosa,nan,.5\n", "x.csv", "kind"),
        (PLAIN.replace(",", ";").replace("\n", "\r\n"), "x.csv", "3"),
        (PLAIN.replace(",", "\t") + "\n\n", "x.tsv", "3"),
        (PLAIN.replace(",", "\t").rstrip(), "x.csv", "3"),
        ('"in ""cm""";"width";"a; b"\n"5.1";3.5;"setosa"\n4.9;-3e2;"virginica"\nnan;.5;setosa\n', "x.csv", "a; b"),
    ],
    ids=["bare", "header", "numbered", "first", "semicolons", "tabs", "tabs in csv", "quotes"],
)  # fmt: skip
def test_a_table(here: Path, text: str, name: str, labels: str) -> None:
    found = data.read(write(here / name, text), labels=labels)
    np.testing.assert_array_equal(found.x, NUMBERS)
    assert found.y is not None
    assert found.y.tolist() == KINDS
    assert found.name == f"rows of {name}"


def test_a_header_is_said(here: Path) -> None:
    write(here / "x.csv", "a,b\n1,2\n")
    assert data.read("x.csv").notes == ("the first line of x.csv is read as a header: a, b",)
    write(here / "x.csv", "1,2\n3,4\n")
    found = data.read("x.csv")
    assert found.notes == ()
    assert found.y is None
    assert len(found.x) == 2


@pytest.mark.parametrize(
    ("words", "dtype", "read"),
    [
        (["3", "-1", "3"], np.int64, [3, -1, 3]),
        (["3", "1.5", "nan"], np.float64, [3, 1.5, np.nan]),
        (["9" * 30, "1", "1"], np.float64, [1e30, 1, 1]),
        (["1_0", "2", "cat dog"], "U7", ["1_0", "2", "cat dog"]),
    ],
)
def test_labels_are_numbers_if_all_are(here: Path, words: list[str], dtype: str, read: list[object]) -> None:
    write(here / "x.csv", "".join(f"{word},{number}\n" for number, word in enumerate(words)))
    labels = data.read("x.csv", labels="1").y
    assert labels is not None
    assert labels.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(labels, read)


@pytest.mark.parametrize(
    ("text", "labels", "message"),
    [
        (PLAIN, None, r"line 1, column 3: must be a number, got 'setosa'; is it the column of labels\?"),
        ("height,kind\n1,cat\n", None, r"line 2, column 2 \(kind\): must be a number, got 'cat'; is it the column of labels\?"),
        ("kind,height\ncat,1\ndog,tall\n", "kind", r"line 3, column 2 \(height\): must be a number, got 'tall'$"),
        ("a,b,c\n1,,3\n", None, r"line 2, column 2 \(b\): must be a number, got nothing"),
        ("1,1_000\n", None, "line 1, column 2: must be a number, got '1_000'"),
        ("1;2\n1,5;2\n", None, "line 2, column 1: must be a number, got '1,5'"),
        ("1,2\n\n3,4,5\n", None, "line 3: must have 2 cells, as the first line, got 3"),
        ("", None, "is empty"),
        ("\n \n", None, "is empty"),
        ("a,b\n", None, "has no rows after its header"),
        ('1,"2\n3",4\n', None, "line 1: has quotes that do not close, or stand within a cell"),
        ("1" * 2**22, None, "line 1: is longer than 4,194,304 characters"),
    ],
)
def test_text_that_is_no_table_is_refused(here: Path, text: str, labels: str | None, message: str) -> None:
    write(here / "x.csv", text)
    with pytest.raises(data.DataError, match=rf"^x\.csv: {message}") as caught:
        data.read("x.csv", labels=labels)
    assert caught.value.argument == "source"


@pytest.mark.parametrize(
    ("text", "labels", "message"),
    [
        ("a,b,a\n1,2,3\n", "c", r"x\.csv has no such column; its first line is a, b, a"),
        ("a,b,a\n1,2,3\n", "a", r"x\.csv has more than one such column; its first line is a, b, a"),
        ("a,b\n1,2\n", "3", r"x\.csv has columns 1 to 2"),
        ("a,b\n1,2\n", "0", r"x\.csv has columns 1 to 2"),
        ("a\n1\n", "a", r"x\.csv has no other column, and so no inputs"),
        ("1,a\n2,\n", "2", r"x\.csv: line 2: has no label"),
    ],
)
def test_labels_that_are_not_there(here: Path, text: str, labels: str, message: str) -> None:
    write(here / "x.csv", text)
    with pytest.raises(data.DataError, match=f"^labels {labels}: {message}") as caught:
        data.read("x.csv", labels=labels)
    assert caught.value.argument == "labels"


def test_other_encodings_are_refused(here: Path) -> None:
    write(here / "x.csv", "größe,kind\n1,2\n".encode("latin-1"))
    with pytest.raises(data.DataError, match=r"x\.csv: is no table of numbers in UTF-8, or is damaged"):
        data.read("x.csv")


def test_a_table_stays_within_the_limit(here: Path) -> None:
    write(here / "x.csv", "1,2\n" * 1000)
    assert data.read("x.csv", max_bytes=16_000).x.nbytes == 16_000
    with pytest.raises(data.DataError, match=r"x\.csv: holds, or says that it holds, 16,000 bytes, more than max_bytes = 15,9"):
        data.read("x.csv", max_bytes=15_999)
    write(here / "words.csv", "".join(f"{i},{i % 10}\n" for i in range(1000)) + f"1,{'long' * 25_000}\n")
    with pytest.raises(data.DataError, match="more than max_bytes = 10,000,000"):  # NumPy would take 400 MB for the words
        data.read("words.csv", labels="2", max_bytes=10**7)
