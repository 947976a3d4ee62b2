"""The model file: safetensors whose single metadata key ``zoo`` holds canonical JSON.

Equal content gives equal bytes: the JSON is canonical, there is one metadata key, and safetensors
orders tensors by type and name. The header can be read without numpy or torch. It carries a
sha256 over itself and all tensors, for safetensors itself notices a wrong length but no wrong bit.

Arrays among facts and constants are tensors ``facts/NAME`` and ``constants/NAME``; a nested one
has its path for a name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.artifacts.canonical import canonical_json, parse_json, plain
from zoo.errors import PluginError, WeightsError
from zoo.files import write_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FORMAT", "ModelRecord", "read_header", "read_model", "write_model"]

FORMAT = 1
"""Version of the header's layout."""

_MAX_HEADER = 16 * 2**20  # bytes; more is no description but an attack or an accident
_KEY = "zoo"
_ARRAY = "$array"
_TEXTS = ("model", "plugin", "plugin_version", "api")
_TABLES = ("config", "facts", "constants", "metrics", "lineage")
_DTYPES = {  # safetensors name -> numpy name
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "C64": "complex64",
    "BOOL": "bool",
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """A trained model: parameters and all that is needed to use them.

    Attributes:
        model: Id ``TASK/NAME``.
        plugin: Name of the plugin that brings it.
        plugin_version: Version of that plugin's distribution.
        api: Version of the contract, ``1.0``.
        config: The model's config, plain values.
        facts: Facts of the training data: JSON values and numeric arrays.
        constants: The codec's constants, likewise.
        metrics: Validation numbers by which it was selected.
        lineage: Where it came from: digests of data and configuration, step, starting weights.
            No dates and no paths, so that equal trainings give equal files.
        tensors: ``networks/NET/PARAMETER`` -> array. bfloat16 is read as float32, which holds it
            exactly; numpy has no such type, so none is written.
    """

    model: str
    plugin: str
    plugin_version: str
    api: str
    config: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def write_model(path: Path, record: ModelRecord) -> None:
    """Write a model file, or leave what was there.

    Raises:
        PluginError: If facts, constants or tensors hold what cannot be stored.
        UsageError: If the folder cannot be written.
    """
    from safetensors.numpy import save

    tensors = {name: _storable(name, array) for name, array in record.tensors.items()}
    header: dict[str, Any] = {"format": FORMAT}
    header |= {name: getattr(record, name) for name in _TEXTS}
    for section in _TABLES:
        header[section] = plain(getattr(record, section), _collect(tensors), (section,))
    header["sha256"] = _checksum(header, {n: _entry(array) for n, array in tensors.items()})
    text = canonical_json(header)
    if len(text) > _MAX_HEADER // 2:
        raise PluginError(
            f"its description takes {len(text)} bytes",
            where=record.model,
            remedy="long lists among facts and constants belong into numpy arrays",
        )
    write_atomically(path, save(tensors, metadata={_KEY: text}))


def read_header(path: Path) -> Mapping[str, Any]:
    """All of the record but its arrays, and ``tensors``: name -> ``dtype``, ``shape``.

    Needs neither numpy nor torch, and does not verify the checksum.

    Raises:
        WeightsError: If the file is missing, damaged, foreign, or of another format.
    """
    try:
        with path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if not 2 <= size <= _MAX_HEADER:
                raise _damaged(path, "its header has no valid length")
            content = stream.read(size)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _parse_header(path, content, size, path.stat().st_size)


def read_model(path: Path) -> ModelRecord:
    """Read a model file and verify its checksum.

    Raises:
        WeightsError: As for :func:`read_header`, and if any bit is wrong.
    """
    from safetensors import SafetensorError, deserialize

    header = dict(read_header(path))
    try:
        content = path.read_bytes()
        entries = dict(deserialize(content))  # type: ignore[no-untyped-call]  # untyped there
    except OSError as error:
        raise _unreadable(path, error) from error
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    del header["tensors"]
    expected = header.pop("sha256")
    if _checksum(header, entries) != expected:
        raise _damaged(path, "its checksum does not match its content")
    arrays = {name: _array(path, name, entry) for name, entry in entries.items()}
    tables = {section: _place(path, header[section], arrays) for section in ("facts", "constants")}
    del header["format"]
    return ModelRecord(**(header | tables), tensors=arrays)


def _storable(name: str, array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if array.dtype.name not in _DTYPES.values():
        raise PluginError(
            f"arrays of type {array.dtype} cannot be stored",
            where=name,
            remedy="use integers, booleans, floats up to 64 bits or complex64",
        )
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _collect(
    tensors: dict[str, NDArray[Any]],
) -> Callable[[tuple[str, ...], Any], Mapping[str, str]]:
    """Move an array of facts or constants among the tensors, and leave its name."""

    def move(path: tuple[str, ...], array: NDArray[Any]) -> Mapping[str, str]:
        name = "/".join(path)
        if name in tensors:
            raise PluginError("two arrays have this name", where=name)
        tensors[name] = _storable(name, array)
        return {_ARRAY: name}

    return move


def _place(path: Path, value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """The inverse of :func:`_collect`; takes what it places out of ``arrays``."""
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            if value[_ARRAY] not in arrays:
                raise _damaged(path, f"it has no array {value[_ARRAY]}")
            return arrays.pop(value[_ARRAY])
        return {key: _place(path, item, arrays) for key, item in value.items()}
    return [_place(path, item, arrays) for item in value] if isinstance(value, list) else value


def _entry(array: NDArray[Any]) -> dict[str, Any]:
    """What safetensors reads back for an array."""
    dtype = next(tag for tag, numpy_name in _DTYPES.items() if numpy_name == array.dtype.name)
    return {"dtype": dtype, "shape": list(array.shape), "data": array.tobytes()}


def _checksum(header: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> str:
    total = hashlib.sha256(canonical_json(header).encode())
    for name, entry in sorted(entries.items()):
        total.update(f"\n{name} {entry['dtype']} {list(entry['shape'])}\n".encode())
        total.update(entry["data"])
    return total.hexdigest()


def _array(path: Path, name: str, entry: Mapping[str, Any]) -> NDArray[Any]:
    import numpy as np

    if entry["dtype"] == "BF16":
        bits = np.frombuffer(entry["data"], dtype="<u2").astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32).reshape(entry["shape"])
    if entry["dtype"] not in _DTYPES:
        raise _damaged(path, f"tensor {name} has the type {entry['dtype']}, which zoo never writes")
    flat = np.frombuffer(entry["data"], dtype=_DTYPES[entry["dtype"]])
    return flat.reshape(entry["shape"]).copy()  # torch warns of arrays that cannot be written


def _parse_header(path: Path, content: bytes, size: int, file_size: int) -> Mapping[str, Any]:
    try:
        table = json.loads(content)
        metadata = table.pop("__metadata__", {})
        ends = [entry["data_offsets"][1] for entry in table.values()]
        tensors = {n: {"dtype": e["dtype"], "shape": e["shape"]} for n, e in table.items()}
        text = metadata.get(_KEY)
        length = 8 + size + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _damaged(path, "its header is no safetensors header") from error
    if file_size != length:
        raise _damaged(path, f"it has {file_size} bytes instead of {length}")
    if text is None:
        raise WeightsError(
            "is a safetensors file that zoo did not write: it does not say which model it is for",
            where=str(path),
            remedy="`zoo weights convert` makes a model file of foreign parameters",
        )
    return {**_parse_record(path, text), "tensors": tensors}


def _parse_record(path: Path, text: object) -> dict[str, Any]:
    try:
        record = parse_json(text if isinstance(text, str) else "")
        version = record["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path, "its description is no valid JSON") from error
    if version != FORMAT:
        raise WeightsError(
            f"has format {version}, this zoo reads format {FORMAT}",
            where=str(path),
            remedy="upgrade detector-zoo, or pull the weights again",
        )
    known = {"format", "sha256", *_TEXTS, *_TABLES}
    if (
        record.keys() != known
        or not all(isinstance(record[name], dict) for name in _TABLES)
        or not all(isinstance(record[name], str) for name in _TEXTS)
    ):
        raise _damaged(path, "its description lacks a part")
    return dict(record)


def _damaged(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"is damaged or no model file: {reason}",
        where=str(path),
        remedy="pull or copy it again, or train again",
    )


def _unreadable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(
        f"cannot be read ({error.strerror or error})", where=str(path), remedy="check the path"
    )
