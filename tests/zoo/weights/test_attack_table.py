"""Every attack ends as the page says, and nothing is executed, kept half-written or used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attacks import ATTACKS, PAGE, marked, row
from staging import Attack, Stage, may_mount

from zoo.weights.cache import Cache

TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def stage(toys: Any, cache: Cache, server: Any, other_server: Any, tmp_path: Path) -> Stage:
    return Stage(toys, cache, server, other_server, tmp_path)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_it_ends_as_the_page_says(attack: Attack, stage: Stage) -> None:
    """``python tests/zoo/weights/attacks.py`` writes the table."""
    if attack.mounts and (reason := may_mount()):
        pytest.skip(f"real mounts are not permitted here: {reason}")
    assert row(attack, attack.told(stage)) in TEXT


def test_the_page_has_these_and_no_other() -> None:
    rows = marked(TEXT).splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [
        attack.what for attack in ATTACKS
    ]
