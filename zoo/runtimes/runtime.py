"""Runs an exported file on numpy arrays, with checks that say what is wrong."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.specs import Specs
from zoo.errors import DataError
from zoo.runtimes.header import (
    ExportHeader,
    damaged,
    export_format,
    onnx_session,
    read_export_header,
)

__all__ = ["Runtime", "check_arrays", "open_runtime"]

Arrays = Mapping[str, NDArray[Any]]  # any dtype that the specs declare


class Runtime(ABC):
    """An exported file, loaded. Call it with arrays by input name.

    Attributes:
        header: What the file says of itself.
        path: Where it lies.
    """

    def __init__(self, path: Path, header: ExportHeader) -> None:
        self.path = path
        self.header = header

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Outputs by name.

        Raises:
            DataError: If names, types, or sizes do not suit the file.
        """
        check_arrays(self.header.inputs, inputs, str(self.path))
        values = self._run([inputs[name] for name in self.header.inputs])
        return dict(zip(self.header.outputs, values, strict=True))

    @abstractmethod
    def _run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs in the order of the file."""


def open_runtime(path: Path, format_name: str = "", *, threads: int | None = None) -> Runtime:
    """Load an exported file; only ``ts`` and ``pt2`` import torch.

    Open files that you trust: a TorchScript or ``torch.export`` file is a program.

    Args:
        path: ``.onnx``, ``.pt2`` or ``.ts``.
        format_name: Its format; empty: by the suffix.
        threads: Threads of ONNX Runtime; ``None``: its default. Torch has its own setting.

    Raises:
        UsageError: If the format is unknown, or its runtime is not installed.
        WeightsError: If the file is missing, damaged or foreign.
    """
    name = export_format(path, format_name)
    header = read_export_header(path, name)
    if name == "onnx":
        return _OnnxRuntime(path, header, threads)
    return _Pt2Runtime(path, header) if name == "pt2" else _TorchScriptRuntime(path, header)


def check_arrays(specs: Specs, arrays: Arrays, where: str) -> None:
    """Check names, types and sizes of arrays against specs with all dims.

    Raises:
        DataError: Naming the first array that does not fit.
    """
    if set(arrays) != set(specs):
        raise DataError(
            f"inputs {', '.join(sorted(arrays))} were given, not {', '.join(specs)}",
            where=where,
            remedy="give each input by its name",
        )
    sizes: dict[str, int] = {}
    for name, spec in specs.items():
        array = arrays[name]
        expected = f"{spec.dtype} ({', '.join(map(str, spec.dims))})"
        fits = array.dtype == np.dtype(spec.dtype) and array.ndim == len(spec.dims)
        for size, dim in zip(array.shape, spec.dims, strict=False):
            fits &= size == (sizes.setdefault(dim, size) if isinstance(dim, str) else dim)
        if not fits:
            known = "".join(f", {dim} = {size}" for dim, size in sizes.items())
            raise DataError(
                f"input '{name}' is {array.dtype} {array.shape}, not {expected}{known}",
                where=where,
                remedy="make the inputs with the codec of the model",
            )


class _OnnxRuntime(Runtime):
    def __init__(self, path: Path, header: ExportHeader, threads: int | None) -> None:
        super().__init__(path, header)
        self._session = onnx_session(path, threads)

    def _run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        try:
            values: list[NDArray[Any]] = self._session.run(
                list(self.header.outputs), dict(zip(self.header.inputs, inputs, strict=True))
            )
        except Exception as error:  # its exceptions share no base class
            raise _refused(self.path, inputs, error) from error
        return values


class _TorchRuntime(Runtime):
    """What the two torch formats share; ``_program`` maps tensors to a tensor or a tuple."""

    _program: Any  # a ScriptModule or a GraphModule: calling either is untyped

    def _run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        import torch

        # torch shares the memory, and warns where it must not be written.
        arrays = [np.require(array, requirements=("C", "W")) for array in inputs]
        try:
            with torch.inference_mode():
                result = self._program(*(torch.from_numpy(array) for array in arrays))
        except (RuntimeError, AssertionError) as error:
            raise _refused(self.path, inputs, error) from error
        tensors = result if isinstance(result, tuple) else (result,)
        return [tensor.numpy() for tensor in tensors]


class _TorchScriptRuntime(_TorchRuntime):
    def __init__(self, path: Path, header: ExportHeader) -> None:
        super().__init__(path, header)
        import torch

        with torch_jit_quiet(), _load_errors(path):
            load: Any = torch.jit.load  # it has no types
            self._program = load(str(path), map_location="cpu")


class _Pt2Runtime(_TorchRuntime):
    def __init__(self, path: Path, header: ExportHeader) -> None:
        super().__init__(path, header)
        import torch

        # By name it wants the suffix .pt2.
        with _torch_export_quiet(), _load_errors(path), path.open("rb") as stream:
            self._program = torch.export.load(stream).module()


@contextmanager
def torch_jit_quiet() -> Iterator[None]:
    """Without the notice that TorchScript is deprecated: its consumers load nothing else."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", r"`?torch\.jit\.", category)
        yield


@contextmanager
def _torch_export_quiet() -> Iterator[None]:
    """Without a warning that torch 2.11 gives on its own loader.

    It makes tensors over the bytes it has read, which must not be written; nobody else holds
    them, and a program that we run does not write its weights.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given buffer is not writable", UserWarning)
        yield


@contextmanager
def _load_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise damaged(str(path), f"torch cannot load it ({error})") from error


def _refused(path: Path, inputs: list[NDArray[Any]], error: Exception) -> DataError:
    shapes = ", ".join(str(array.shape) for array in inputs)
    return DataError(
        f"the program refuses inputs of shape {shapes} ({str(error).splitlines()[0]})",
        where=str(path),
        remedy="the export grid in its .export.json tells which sizes were tested",
    )
