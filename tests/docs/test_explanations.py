"""Every code block of the documentation runs and prints what is shown; tutorial and how-tos have a file of their own."""

from pathlib import Path

import pytest

from tests.pages import blocks, run_page

DOCS = Path(__file__).resolve().parents[2] / "docs"
ELSEWHERE = {"tutorial", "how-to"}
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if page.parent.name not in ELSEWHERE and blocks(page)]


@pytest.mark.usefixtures("hardly_optimised", "without_type_checks")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_runs(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)
