"""The generated pages of the documentation are those of this code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"

VERBS = "list info train predict eval compare select export bench report doctor"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.pages()
    return found


def test_generated_pages_are_up_to_date(pages: dict[str, str]) -> None:
    stale = [name for name, text in pages.items() if (DOCS / name).read_text("utf-8") != text]
    assert not stale, f"run `python docs/make_reference.py`: {', '.join(stale)} differ"


def test_every_command_and_every_section_is_told(pages: dict[str, str]) -> None:
    for command in VERBS.split():
        assert f"## `zoo {command}`" in pages["cli.md"]
    assert "### `zoo data simulate`" in pages["cli.md"]
    assert "..." not in "".join(
        line for line in pages["cli.md"].splitlines() if line.startswith("* `") and "[" not in line
    )
    for setting in ("source", "lr", "epochs", "device"):
        assert f"| `{setting}` |" in pages["settings.md"]
