"""Published values: read from the plugin's file, shown as rows of their own, refused if broken."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.errors import PluginError
from zoo.registry import Plugin, Registry, registry
from zoo.report import published, tables
from zoo.report.published import published_values

VALUE = """
[[value]]
model = "UNet <2>"
number = "final loss"
value = "0.029"
sample = "theirs"
source = "a talk"
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the task ``mini-track`` whose file of values a test writes."""
    folder = tmp_path / "pkg_published"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pkg_published", raising=False)
    task = replace(registry().task("mini-track"), published="pkg_published:values.toml")
    plugin = Plugin(name="p", value="p", tasks={"mini-track": task})
    monkeypatch.setattr(published, "registry", lambda: Registry([plugin]))
    return folder / "values.toml"


def test_values_are_rows_marked_as_published(package: Path) -> None:
    package.write_text(VALUE)
    (value,) = published_values("mini-track")
    assert (value.value, value.source) == ("0.029", "a talk")
    page = tables.published([value])
    assert '<tr class="published"><td>UNet &lt;2&gt;</td>' in page
    assert "nothing above is compared" in page


def test_a_task_without_a_file_has_none() -> None:
    assert not published_values("mini-track")
    assert not published_values("not-installed")
    assert tables.published([]) == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("[[value]", "no valid TOML"),
        (VALUE.replace('source = "a talk"', ""), "value.0.source"),
        (VALUE + 'colour = "red"', "value.0.colour"),
        (VALUE.replace('"0.029"', "0.029"), "value.0.value"),
    ],
)
def test_a_broken_file_is_refused_and_named(package: Path, content: str | None, says: str) -> None:
    if content is not None:
        package.write_text(content)
    with pytest.raises(PluginError, match="pkg_published") as caught:
        published_values("mini-track")
    assert says in str(caught.value)
