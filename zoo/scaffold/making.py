"""Writes the package of a new plugin."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from zoo.contract.task import API_VERSION
from zoo.errors import UsageError
from zoo.scaffold.naming import PluginName

__all__ = ["Made", "make_plugin"]

_SUFFIX = ".tmpl"  # so that no tool takes a template for code
_PLACES = {"package": "{package}", "gitignore": ".gitignore", "workflows": ".github/workflows"}
"""Names in the template that have another one in the plugin; builders drop hidden files."""


@dataclass(frozen=True)
class Made:
    """A plugin that was written.

    Attributes:
        name: Of the plugin and of its task, entry point, distribution and package.
        folder: Where it is.
        files: Paths within the folder, sorted.
    """

    name: PluginName
    folder: Path
    files: tuple[str, ...]


def make_plugin(name: PluginName, into: Path) -> Made:
    """Write a new plugin into a folder of its own, whole or not at all.

    Args:
        name: A name that is free.
        into: The folder around it; made if it is missing.

    Raises:
        UsageError: If the folder exists already, or cannot be written.
    """
    folder = into / name.distribution
    if folder.exists() or folder.is_symlink():
        raise UsageError(
            "exists already and is left as it is",
            where=str(folder),
            remedy="choose another name, or another folder with --into",
        )
    texts = dict(_texts(name))
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=f".{name.distribution}-") as aside:
            whole = Path(aside) / "whole"
            for path, text in texts.items():
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                (whole / path).write_text(text, encoding="utf-8")
            whole.rename(folder)
    except OSError as error:
        raise UsageError(
            f"the folder cannot be written ({error.strerror or error})",
            where=str(into),
            remedy="name another one with --into",
        ) from error
    return Made(name, folder, tuple(sorted(texts)))


def _texts(name: PluginName) -> Iterator[tuple[str, str]]:
    """Path within the plugin and text of every file."""
    values = {
        "task": name.task,
        "package": name.package,
        "distribution": name.distribution,
        "api": ", ".join(map(str, API_VERSION)),
    }
    for path, template in _templates(files("zoo.scaffold") / "template", values):
        yield path, Template(template).substitute(values)


def _templates(
    folder: Traversable, values: Mapping[str, str], before: str = ""
) -> Iterator[tuple[str, str]]:
    for item in folder.iterdir():
        plain = item.name.removesuffix(_SUFFIX)
        path = before + _PLACES.get(plain, plain).format(**values)
        if item.is_dir():
            yield from _templates(item, values, f"{path}/")
        elif item.name.endswith(_SUFFIX):
            yield path, item.read_text(encoding="utf-8")
