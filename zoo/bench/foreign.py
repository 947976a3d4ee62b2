"""A file of somebody else: what its TOML says of inputs and outputs."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zoo.bench.case import Port, Subject
from zoo.config.base import Config
from zoo.config.layers import validate
from zoo.config.toml import read_toml
from zoo.errors import ConfigError, UsageError, WeightsError

__all__ = ["Foreign", "make_inputs", "read_foreign"]

Dim: TypeAlias = Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=0)]
DType: TypeAlias = Literal[
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"
]
FORMATS = ("onnx", "ts")


class ForeignOutput(Config):
    """One output of the file."""

    dims: tuple[Dim, ...]
    """All dims: a number is fixed, a name is a free size."""
    dtype: DType = "float32"
    """Numpy's name of the type."""


class ForeignInput(ForeignOutput):
    """One input of the file."""

    fill: Literal["normal", "uniform", "zeros"] = "normal"
    """What it is filled with: standard normal, uniform in [0, 1), or zeros."""


class Foreign(Config):
    """A foreign file."""

    file: Annotated[str, Field(min_length=1)]
    """The program, relative to the TOML: ``.onnx`` or ``.ts``."""
    name: str = ""
    """Of its row; empty: the file's."""
    inputs: Annotated[dict[str, ForeignInput], Field(min_length=1)]
    """By name, in the order in which a ``.ts`` takes them."""
    outputs: Annotated[dict[str, ForeignOutput], Field(min_length=1)]
    """By name, likewise."""
    sizes: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Free sizes unless ``--size`` or ``--batch`` tells them."""

    @property
    def takes(self) -> tuple[Port, ...]:
        """The inputs in order."""
        return tuple(
            Port(name=name, dims=one.dims, dtype=one.dtype, fill=one.fill)
            for name, one in self.inputs.items()
        )

    @property
    def gives(self) -> tuple[Port, ...]:
        """The outputs in order."""
        return tuple(
            Port(name=name, dims=one.dims, dtype=one.dtype) for name, one in self.outputs.items()
        )


def read_foreign(path: Path, *, trust: bool) -> tuple[Subject, Foreign]:
    """Read a description, and look at the file without running anything of it.

    Args:
        path: The TOML.
        trust: Whether a program may be run: TorchScript can do whatever its author wanted.

    Raises:
        ConfigError: If the description is wrong.
        UsageError: If it is a program, and not trusted.
        WeightsError: If the file is missing or damaged.
    """
    told = validate(Foreign, read_toml(path), str(path))
    file = path.parent / told.file
    format_name = file.suffix.removeprefix(".")
    if format_name not in FORMATS:
        raise ConfigError(
            f"files '{file.suffix}' cannot be run",
            where=f"{path}: file",
            remedy="name a .onnx or a .ts file",
        )
    if format_name == "ts" and not trust:
        raise UsageError(
            "a TorchScript file is a program, and can do whatever its author wanted",
            where=str(file),
            remedy="add --trust if you trust it; it runs in a process of its own",
        )
    if not file.is_file():
        raise WeightsError("there is no such file", where=str(file), remedy=f"correct {path}")
    if format_name == "ts":
        _require_archive(file)
    subject = Subject(
        name=told.name or file.name,
        kind="file",
        file=str(file),
        format=format_name,
        description=str(path),
    )
    return subject, told


def make_inputs(ports: tuple[Port, ...], sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Arrays of these sizes, the same every time."""
    rng = np.random.default_rng(0)
    made: dict[str, NDArray[Any]] = {}
    for port in ports:
        shape = port.shape(sizes)
        match port.fill:
            case "normal":
                values = rng.standard_normal(shape)
            case "uniform":
                values = rng.random(shape)
            case _:
                values = np.zeros(shape)
        made[port.name] = values.astype(port.dtype)
    return made


def _require_archive(path: Path) -> None:
    """A whole zip archive with code: what TorchScript is. Its checksums are verified."""
    reason = ""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if broken is not None:
                reason = f"its part {broken} is damaged"
            elif not any("/code/" in f"/{name}" for name in archive.namelist()):
                reason = "it has no code"
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        reason = str(error)
    if reason:
        raise WeightsError(
            f"is damaged or no TorchScript: {reason}",
            where=str(path),
            remedy="get the file again from its author",
        )
