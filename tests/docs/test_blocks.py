"""What runs the code blocks of pages notices when a page is wrong."""

from pathlib import Path

import pytest

from tests.pages import blocks, run_page

RIGHT = """# A page

```python title="folder/file.txt"
a = 1
```

- In a list:

    ```pycon
    >>> a = 2
    >>> a + 1
    3
    ```

```console
$ cat folder/file.txt; echo "took 1.5 s at 2024-01-01T00:00:00"
a = 1
took 2.25 s at 2026-11-30T12:34:56
$ echo one; echo two >&2; false
one
...
```

```pycon
>>> print(open.__name__, a)
open 2
```

```sh
test -f folder/file.txt
```
"""


def write(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


def test_a_right_page_passes(tmp_path: Path) -> None:
    page = write(tmp_path, RIGHT)
    assert [block.language for block in blocks(page)] == ["python", "pycon", "console", "pycon", "sh"]
    run_page(page, tmp_path)
    assert (tmp_path / "folder" / "file.txt").read_text() == "a = 1\n"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("    3\n", "    4\n", "Expected:"),
        ("a + 1\n", "b + 1\n", "NameError"),
        ("$ cat folder/file.txt", "$ cat other.txt", "printed:"),
        ("took 1.5 s", "takes 1.5 s", "printed:"),
        ("test -f", "test -d", "page.md:30: test -d"),
        ("```sh", "```yaml", "run by nothing"),
        ("test -f folder/file.txt\n```", "test -f folder/file.txt", "not closed"),
        (">>> print(open.__name__, a)\nopen 2", "print(1)", "no example"),
        ("```sh\ntest -f", '```python title="folder/file.txt"\nb', "is another one by now"),
    ],
)
def test_a_wrong_page_fails_and_says_where(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    assert RIGHT.count(right) == 1
    with pytest.raises(AssertionError, match=said):
        run_page(write(tmp_path, RIGHT.replace(right, wrong)), tmp_path)
