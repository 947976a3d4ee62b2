"""Exported and foreign files, run on arrays; torch is imported only for files that need it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from zoo.bench.case import Case, Port
from zoo.bench.work import Work
from zoo.errors import ConfigError, ParityError, WeightsError, ZooError
from zoo.runtimes.header import onnx_session
from zoo.runtimes.runtime import open_runtime, torch_jit_quiet

__all__ = ["program_work"]


def program_work(case: Case) -> Work:
    """Load a file and its inputs.

    Raises:
        WeightsError: If the file is missing, damaged, or not of its format.
        ConfigError: If a foreign file does not have the inputs that its TOML tells.
    """
    arrays = load_file(case.inputs)
    given = [arrays[port.name] for port in case.takes]
    opener = {"onnx": _onnx, "ts": _torchscript, "pt2": _exported_program}[case.format]
    call, count = opener(case, given)
    work = Work(
        call=call,
        inputs={port.name: arrays[port.name].shape for port in case.takes},
        check=lambda outputs: _check(case, outputs),
        parameters=count,
        warm_up=3 if case.format == "ts" else 1,
    )
    return work if case.format == "onnx" else _looked_into(work)


def _looked_into(work: Work) -> Work:
    """Torch runs the file operator by operator, so that it can be counted and watched."""
    from zoo.bench.operators import peak_operator
    from zoo.engine.counting import multiply_adds

    return replace(
        work,
        multiply_adds=lambda: multiply_adds(work.call),
        operator=lambda: peak_operator(work.call, {}),
    )


_Opened = tuple[Callable[[], object], Callable[[], int | None]]


def _onnx(case: Case, given: Sequence[NDArray[Any]]) -> _Opened:
    path = Path(case.program)
    try:
        session = onnx_session(path, case.conditions.threads)
    except WeightsError as error:
        raise _unusable(path, error.message.partition(": ")[2]) from error
    known = {
        "input": [port.name for port in session.get_inputs()],
        "output": [port.name for port in session.get_outputs()],
    }
    for side, ports in (("input", case.takes), ("output", case.gives)):
        unknown = [port.name for port in ports if port.name not in known[side]]
        missing = [n for n in known["input"] if n not in {p.name for p in ports}]
        if unknown or (side == "input" and missing):
            raise _mismatch(
                case,
                f"{side} '{(unknown or missing)[0]}'",
                f"the {side}s of the file are {', '.join(known[side])}",
            )
    inputs = {port.name: array for port, array in zip(case.takes, given, strict=True)}
    wanted = [port.name for port in case.gives]
    return lambda: session.run(wanted, inputs), lambda: _onnx_parameters(path)


def _onnx_parameters(path: Path) -> int | None:
    """Values of the file's floating-point constants."""
    try:
        import onnx
    except ImportError:
        return None
    floating = {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.DOUBLE,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.BFLOAT16,
    }
    initializers: Any = onnx.load(str(path), load_external_data=False).graph.initializer
    sizes = [math.prod(one.dims) for one in initializers if one.data_type in floating]
    return int(sum(sizes))


def _torchscript(case: Case, given: Sequence[NDArray[Any]]) -> _Opened:
    import torch

    from zoo.bench.inference import under

    path = Path(case.program)
    load: Any = torch.jit.load  # it has no types
    try:
        with torch_jit_quiet():
            program = load(str(path), map_location="cpu").eval()
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise _unusable(path, f"torch cannot load it ({_first_line(error)})") from error
    tensors = [torch.from_numpy(array) for array in given]

    def call() -> object:
        with under(case.conditions, None):
            return program(*tensors)

    return call, lambda: sum(p.numel() for p in program.parameters())


def _exported_program(case: Case, given: Sequence[NDArray[Any]]) -> _Opened:
    from zoo.bench.inference import under

    runtime = open_runtime(Path(case.program), "pt2")
    inputs = {port.name: array for port, array in zip(case.takes, given, strict=True)}

    def call() -> object:
        with under(case.conditions, None):
            return list(runtime(inputs).values())

    return call, lambda: None


def _check(case: Case, outputs: Any) -> None:
    """Compare outputs with what is declared; a size that no input has is free but one."""
    if isinstance(outputs, Mapping):
        outputs = [outputs.get(port.name) for port in case.gives]
    values = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if len(values) != len(case.gives):
        told = f"{len(values)} outputs, {len(case.gives)} are declared"
        raise _mismatch(case, "outputs", f"the file returns {told}")
    sizes = dict(case.conditions.sizes)
    for port, value in zip(case.gives, values, strict=True):
        _check_port(case, port, value, sizes)


def _check_port(case: Case, port: Port, value: Any, sizes: dict[str, int]) -> None:
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    fits = array.ndim == len(port.dims) and array.dtype == np.dtype(port.dtype)
    for size, dim in zip(array.shape, port.dims, strict=False):
        fits &= size == (sizes.setdefault(dim, size) if isinstance(dim, str) else dim)
    if not fits:
        declared = f"{port.dtype} {_dims(port.dims)}"
        raise _mismatch(
            case,
            f"output '{port.name}'",
            f"the file returns {array.dtype} {_dims(array.shape)}, declared is {declared}",
        )


def _dims(dims: Sequence[str | int]) -> str:
    return " x ".join(map(str, dims))


def _mismatch(case: Case, what: str, message: str) -> ZooError:
    """The description of a foreign file is a setting; of ours, it is our export that is wrong."""
    if case.subject.description:
        return ConfigError(
            message,
            where=f"{case.subject.description}: {what}",
            remedy="describe the file as it is",
        )
    return ParityError(message, where=f"{case.program}: {what}", remedy="export it again")


def _unusable(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"cannot be run: {reason}",
        where=str(path),
        remedy="check that the file is whole and of the format that its suffix tells",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
