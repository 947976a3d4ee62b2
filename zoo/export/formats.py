"""Writes a module as ONNX, ``torch.export`` archive or TorchScript, with every size free.

All three would carry the paths of the source files on the machine that exported. They are left
out: they tell a consumer nothing, and equal models shall give equal files everywhere.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.contract.deploy import Deploy
from zoo.errors import ParityError, UsageError
from zoo.runtimes.header import HEADER_NAME
from zoo.runtimes.runtime import torch_jit_quiet

__all__ = ["OPSET", "write_module"]

_TracerWarning: type[Warning] = torch.jit.TracerWarning  # type: ignore[attr-defined]  # not in its __all__

OPSET = 18
"""ONNX operator set: the oldest that the exporter writes natively."""


def write_module(
    format_name: str,
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    deploy: Deploy,
    *,
    header: str,
    path: Path,
) -> list[str]:
    """Write a module to a file.

    Args:
        format_name: ``onnx``, ``pt2`` or ``ts``.
        module: In evaluation mode, on the CPU.
        inputs: An example with every free size at least two, for torch takes one as fixed.
        deploy: Names and dims of inputs and outputs.
        header: Written into the file as :data:`~zoo.runtimes.header.HEADER_NAME`.
        path: Replaced.

    Returns:
        What the tracer warned of: sizes or values that may be frozen in the file.

    Raises:
        ParityError: If torch cannot export the module with these sizes free.
    """
    write = {"onnx": _write_onnx, "pt2": _write_pt2, "ts": _write_ts}[format_name]
    with torch.no_grad(), _exporter_quiet(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", _TracerWarning)
        try:
            write(module, inputs, deploy, header, path)
        except (UsageError, OSError):
            raise
        except Exception as error:  # the exporters' own errors share no base class
            refused = error.__cause__
            if isinstance(refused, UsageError):  # a module says itself why this format is none
                raise refused from None
            raise ParityError(
                f"torch cannot export it ({type(error).__name__}: {_first_lines(error)})",
                where=format_name,
                remedy="choose another --format; operators or size-dependent branches do not map",
            ) from error
    return sorted({str(warning.message).splitlines()[0] for warning in caught})


def _write_ts(
    module: nn.Module, inputs: tuple[Tensor, ...], _: Deploy, header: str, path: Path
) -> None:
    with torch_jit_quiet():
        trace: Any = torch.jit.trace  # it has no types
        traced = trace(module, inputs, check_trace=False)
        content = io.BytesIO()
        torch.jit.save(traced, content, _extra_files={HEADER_NAME: header})
    _copy_without_sources(content, path)


def _write_pt2(
    module: nn.Module, inputs: tuple[Tensor, ...], deploy: Deploy, header: str, path: Path
) -> None:
    program = torch.export.export(
        module, inputs, dynamic_shapes=_dynamic_shapes(deploy), strict=False
    )
    for part in program.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)
    content = io.BytesIO()  # by name it wants the suffix .pt2
    torch.export.save(program, content, extra_files={HEADER_NAME: header})
    path.write_bytes(content.getvalue())


def _write_onnx(
    module: nn.Module, inputs: tuple[Tensor, ...], deploy: Deploy, header: str, path: Path
) -> None:
    try:
        import onnx_ir
        import onnxscript  # noqa: F401  # the exporter needs it
    except ImportError as error:
        raise UsageError(
            "the ONNX exporter is not installed", remedy="pip install 'detector-zoo[export]'"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        program = torch.onnx.export(
            module,
            inputs,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(deploy.inputs),
            output_names=list(deploy.outputs),
            dynamic_shapes=_dynamic_shapes(deploy),
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter returned no program")
    # Its own names of sizes are s40 and formulas of it.
    graph = program.model.graph
    for values, specs in ((graph.inputs, deploy.inputs), (graph.outputs, deploy.outputs)):
        for value, spec in zip(values, specs.values(), strict=True):
            value.shape = onnx_ir.Shape(spec.dims)
    for node in graph:
        node.metadata_props.clear()
    program.model.metadata_props[HEADER_NAME] = header
    program.save(str(path), external_data=False)


def _dynamic_shapes(deploy: Deploy) -> tuple[dict[int, Any], ...]:
    """Every named dim free.

    A named ``torch.export.Dim`` would have torch prove its guards for all sizes, and it gives up
    at ``size <= 2 * (size // 2) + 2``. So guards stay in the file, and the grid tests them.
    """
    return tuple(
        {
            axis: torch.export.Dim.DYNAMIC
            for axis, dim in enumerate(spec.dims)
            if isinstance(dim, str)
        }
        for spec in deploy.inputs.values()
    )


def _copy_without_sources(content: io.BytesIO, path: Path) -> None:
    """A TorchScript archive without its tables of source lines, which only tracebacks read."""
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(path, "w") as copy:
        for entry in source.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                copy.writestr(zipfile.ZipInfo(entry.filename), source.read(entry))


@contextlib.contextmanager
def _exporter_quiet() -> Iterator[None]:
    """Without the exporter's notices, such as that torchvision is not installed."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _first_lines(error: Exception, count: int = 3) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:count])
