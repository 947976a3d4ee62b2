"""The header that every exported file carries: which model it is, and all its codec needs."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.artifacts.canonical import canonical_json, parse_json, plain
from zoo.contract.specs import Field, Specs
from zoo.errors import UsageError, WeightsError, suggestion

__all__ = [
    "FORMATS",
    "HEADER_NAME",
    "ExportHeader",
    "damaged",
    "export_format",
    "onnx_session",
    "read_export_header",
]

FORMATS = ("onnx", "pt2", "ts")
"""Formats, which are also the suffixes of the files."""

HEADER_NAME = "zoo.json"
"""Name of the header within a TorchScript or ``torch.export`` archive and in ONNX's metadata."""

_VERSION = 1
_ARRAY = "$array"


@dataclass(frozen=True, kw_only=True)
class ExportHeader:
    """What an exported file says of itself.

    Attributes:
        model: Id ``TASK/NAME``.
        plugin, plugin_version, api: As in the model file.
        config: The model's config, plain values.
        facts, constants: As in the model file, arrays included.
        lineage: Where the weights came from.
        inputs, outputs: Specs with all dims, in the order of the file.
        checks: Inputs and some answers to them, ``zoo.export.checks``; empty: the file has none.
    """

    model: str
    plugin: str
    plugin_version: str
    api: str
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    constants: Mapping[str, Any]
    lineage: Mapping[str, Any] = field(default_factory=dict)
    inputs: Specs
    outputs: Specs
    checks: Mapping[str, Any] = field(default_factory=dict)

    def dumps(self) -> str:
        """Canonical JSON; arrays as type, shape and base64 of their little-endian bytes."""
        table: dict[str, Any] = {part.name: getattr(self, part.name) for part in fields(self)}
        for side in ("inputs", "outputs"):  # a list, for JSON objects have no order
            table[side] = [{"name": name, **asdict(spec)} for name, spec in table[side].items()]
        if not self.checks:  # a file without them is that of a version that knew none
            del table["checks"]
        return canonical_json(plain({"format": _VERSION, **table}, _pack))

    @classmethod
    def loads(cls, text: str | bytes, where: str) -> ExportHeader:
        """The inverse of :meth:`dumps`.

        Raises:
            WeightsError: If it is damaged or of another format.
        """
        try:
            table = _unpack(parse_json(text))
            version = table.pop("format")
            if version != _VERSION:
                raise WeightsError(
                    f"is an export of format {version}, this zoo reads format {_VERSION}",
                    where=where,
                    remedy="upgrade detector-zoo, or export again",
                )
            for side in ("inputs", "outputs"):
                table[side] = {entry.pop("name"): _field(entry) for entry in table[side]}
            return cls(**table)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise damaged(where, f"its header cannot be read ({error})") from error


def export_format(path: Path, given: str = "") -> str:
    """The format of an exported file: as given, or by its suffix.

    Raises:
        UsageError: If it is none of :data:`FORMATS`.
    """
    name = given or path.suffix.removeprefix(".")
    if name not in FORMATS:
        raise UsageError(
            f"'{name}' is no export format",
            where=given or str(path),
            remedy=suggestion(name, FORMATS),
        )
    return name


def read_export_header(path: Path, format_name: str = "") -> ExportHeader:
    """The header of an exported file, without torch.

    Raises:
        UsageError: If the format is unknown, or ONNX Runtime is not installed.
        WeightsError: If the file is missing, damaged or foreign.
    """
    if export_format(path, format_name) == "onnx":
        text = onnx_session(path, 1).get_modelmeta().custom_metadata_map.get(HEADER_NAME)
    else:
        text = _archive_member(path)
    if text is None:
        raise damaged(str(path), "it has no header of zoo")
    return ExportHeader.loads(text, str(path))


def onnx_session(path: Path, threads: int | None) -> Any:  # onnxruntime ships no types
    """An ONNX Runtime session on the CPU.

    Raises:
        UsageError: If ONNX Runtime is not installed.
        WeightsError: If the file is missing, damaged or no ONNX.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            "ONNX Runtime is not installed", remedy="pip install 'detector-zoo[export]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise damaged(str(path), f"ONNX Runtime refuses it ({error})") from error


def damaged(where: str, reason: str) -> WeightsError:
    """The error for a file that cannot be used."""
    return WeightsError(
        f"is missing, damaged or no export of zoo: {reason}",
        where=where,
        remedy="check the path, or export again with `zoo export`",
    )


def _archive_member(path: Path) -> bytes | None:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(f"extra/{HEADER_NAME}"):
                    return archive.read(name)
    except (OSError, zipfile.BadZipFile) as error:
        raise damaged(str(path), str(error)) from error
    return None


def _pack(_: tuple[str, ...], array: NDArray[Any]) -> object:
    native = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    data = base64.b64encode(native.tobytes()).decode()
    return {_ARRAY: {"dtype": native.dtype.str, "shape": list(native.shape), "data": data}}


def _unpack(value: Any) -> Any:  # whatever JSON holds
    if isinstance(value, dict) and value.keys() == {_ARRAY}:
        packed = value[_ARRAY]
        flat = np.frombuffer(base64.b64decode(packed["data"]), np.dtype(packed["dtype"]))
        return flat.reshape(packed["shape"]).copy()
    if isinstance(value, dict):
        return {key: _unpack(item) for key, item in value.items()}
    return [_unpack(item) for item in value] if isinstance(value, list) else value


def _field(entry: dict[str, Any]) -> Field:
    return Field(**{**entry, "dims": tuple(entry["dims"])})
