"""Writes the generated pages: the command line, all settings, and the tables of each plugin.

Run ``python docs/make_reference.py``; a test compares the files with what it makes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from zoo.config.describe import Setting, settings
from zoo.config.run import DataConfig, EngineConfig, OptimizerConfig, TrainingConfig
from zoo.contract.refs import resolve
from zoo.contract.specs import Field, Specs
from zoo.contract.task import Model, Task
from zoo.registry import registry

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Made by docs/make_reference.py: do not edit. -->\n\n"
SECTIONS = (
    ("data", DataConfig),
    ("optimizers.NAME", OptimizerConfig),
    ("training", TrainingConfig),
    ("engine", EngineConfig),
)


def pages() -> dict[str, str]:
    """Path under ``docs/`` -> content of every generated page."""
    return {
        "cli.md": NOTE + command_line(),
        "settings.md": NOTE + all_settings(),
        "plugins/dnn-roi-reference.md": NOTE + task_reference("dnn-roi"),
        "plugins/optics-reference.md": NOTE + task_reference("optics"),
        "plugins/ha-tpc-reference.md": NOTE + task_reference("ha-tpc"),
        "plugins/calo-reference.md": NOTE + task_reference("calo"),
        "plugins/sparse-reco-reference.md": NOTE + task_reference("sparse-semantic"),
        "plugins/sparse-cluster-reference.md": NOTE + task_reference("sparse-cluster"),
        "plugins/sparse-group-reference.md": NOTE + task_reference("sparse-group"),
        "plugins/sparse-masked-reference.md": NOTE + task_reference("sparse-masked"),
    }


def command_line() -> str:
    """What typer tells of the core's commands; plugins are left out, they differ by machine."""
    command = [sys.executable, "-m", "typer", "zoo.cli.app", "utils", "docs", "--name", "zoo"]
    environment = {**os.environ, "ZOO_PLUGINS": "", "COLUMNS": "100"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    text = told.stdout.replace("# `zoo`", "# Command line", 1).replace("&#x27;", "'")
    first_lines = dict(re.findall(r"^#+ `(zoo [a-z ]+)`\n\n(.+)$", text, re.MULTILINE))
    # typer cuts the summaries of its lists at 45 characters; each section begins with the whole.
    lines, group = [], "zoo"
    for line in text.splitlines():
        heading = re.match(r"#+ `(zoo[a-z ]*)`$", line)
        group = heading[1] if heading else group
        listed = re.match(r"\* `([a-z]+)`: ", line)
        lines.append(f"* `{listed[1]}`: {first_lines[f'{group} {listed[1]}']}" if listed else line)
    return "\n".join(lines) + "\n"


def all_settings() -> str:
    """Tables of the sections that every training has."""
    about = (
        "The section `model` is the model's own: `zoo info TASK/MODEL` tells its settings, "
        "`zoo info TASK` those of the sources (`data.options`). What follows is the same for "
        "every model. [](configuration.md) tells how a setting is changed.\n"
    )
    parts = ["# Settings\n", about]
    for name, section in SECTIONS:
        parts += [f"## `{name}`\n", f"{section.__doc__}\n", settings_table(settings(section))]
    return "\n".join(parts)


def task_reference(name: str) -> str:
    """Models, sources with their options, fields and recipes of one task."""
    task = registry().task(name)
    parts = [
        f"# Reference: {name}\n",
        "## Models and algorithms\n",
        table(
            ("id", "role", "what"),
            [(f"`{name}/{n}`", role(m), m.summary) for n, m in task.models.items()],
        ),
        *model_settings(task),
        *source_settings(task),
        "## Fields of a sample\n",
        fields_table(cast("Specs", resolve(task.sample))),
        "## Fields of a prediction\n",
        fields_table(cast("Specs", resolve(task.prediction))),
    ]
    return "\n".join(parts)


def model_settings(task: Task) -> Iterable[str]:
    """A table for each model that has settings."""
    for name, model in task.models.items():
        found = list(settings(cast("type[BaseModel]", resolve(model.config)), prefix="model."))
        if model.networks is not None:
            yield f"## Settings of `{task.name}/{name}`\n"
            yield settings_table(found)


def source_settings(task: Task) -> Iterable[str]:
    """A table for each source."""
    for name, source in task.sources.items():
        found = settings(cast("type[BaseModel]", resolve(source.config)), prefix="data.options.")
        yield f"## Options of the source `{name}`\n"
        yield f"{source.kind}: {source.summary}.\n"
        yield settings_table(found)


def role(model: Model) -> str:
    """As ``zoo list`` names it."""
    return "oracle" if model.oracle else "baseline" if model.baseline else "model"


def settings_table(found: Iterable[Setting]) -> str:
    """Setting, type, default, meaning."""
    rows = [
        (f"`{one.path}`", one.type, "" if one.required else f"`{value(one.value)}`", one.meaning)
        for one in found
    ]
    return table(("setting", "type", "default", "meaning"), rows)


def value(given: object) -> str:
    """A default as one writes it after ``--set``."""
    if given is None:
        return "none"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, list | tuple):
        return f"[{', '.join(value(item) for item in given)}]"
    return str(given) if given not in ("", {}) else '""' if given == "" else "{}"


def fields_table(specs: Specs) -> str:
    """Fields of a table."""

    def row(name: str, field: Field) -> tuple[str, ...]:
        optional = " (optional)" if field.optional else ""
        dims = " x ".join(map(str, field.dims))
        return (f"`{name}`{optional}", dims, field.dtype, field.unit, field.meaning)

    rows = [row(name, field) for name, field in specs.items()]
    return table(("field", "dims", "dtype", "unit", "meaning"), rows)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


if __name__ == "__main__":
    for path, content in pages().items():
        (DOCS / path).write_text(content, encoding="utf-8")
