"""Every code block of tutorial and how-tos runs and prints what is shown."""

from pathlib import Path

import pytest

from tests.pages import run_page

DOCS = Path(__file__).resolve().parents[2] / "docs"
ELSEWHERE = {"cluster.md"}  # tests/cluster/test_page.py has clusters
PAGES = [
    page for folder in ("tutorial", "how-to") for page in sorted((DOCS / folder).glob("*.md")) if page.name not in ELSEWHERE
]


@pytest.mark.usefixtures("hardly_optimised", "without_type_checks")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_runs(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)
