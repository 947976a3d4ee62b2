"""The broken plugins as the only ones that are installed, for this process and its children."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from zoo.registry import registry

# As for the tests of trainings: workers are forked after the first gradient was computed.
torch.ones(1, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]  # torch's lack

BROKEN = Path(__file__).parent / "broken"
ENTRIES = {
    "correct": "entries:correct",
    "r01": "heavy:r01",
    **{f"r{number:02d}": f"entries:r{number:02d}" for number in range(2, 19)},
    **{name: f"entries:{name.replace('-', '_')}" for name in ("r02-extra", "r11-unit", "r16-nan")},
}


def install(folder: Path) -> None:
    """What pip would write: the metadata of a distribution with these entry points."""
    place = folder / "zoo_broken-0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-broken\nVersion: 0\n")
    lines = "\n".join(f"{name} = zoo_broken.{value}" for name, value in ENTRIES.items())
    (place / "entry_points.txt").write_text(f"[zoo.plugins]\n{lines}\n")


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plugins of ``broken/`` are installed, and no others."""
    installed = tmp_path / "site-packages"
    installed.mkdir()
    install(installed)
    monkeypatch.syspath_prepend(BROKEN)
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setenv("ZOO_PLUGINS", ",".join(ENTRIES))
    registry.cache_clear()
    yield
    registry.cache_clear()
