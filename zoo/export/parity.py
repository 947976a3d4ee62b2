"""Is the exported file the model? Compared with float64, on every size, in a fresh process."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.contract.deploy import Deploy
from zoo.contract.refs import Ref
from zoo.contract.table import Ragged, Table
from zoo.errors import ParityError, PluginError
from zoo.runtimes.process import run_in_fresh_process

__all__ = [
    "EPS",
    "FACTOR",
    "Comparison",
    "allowed",
    "compare_predictions",
    "example_inputs",
    "failures",
    "grid_parity",
    "module_outputs",
]

FACTOR = 8.0
"""How many times the float32 module's own error the file may have: sums in another order."""

EPS = 1e-6
"""Added to that, over the scale of the output: its largest value, or its declared maximum where
that is larger. ONNX Runtime's sigmoid errs by 1e-7 however small the probability is."""

_SAME = 1e-4
"""End to end: values nearer than this over the largest are equal, and so much of a column may
differ, for a score on its threshold flips."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One output at one point of the grid; errors are the largest over its values.

    Attributes:
        sizes: The point.
        output: Name.
        export_error: Exported file against float64.
        eager_error: The module in float32 against float64.
        tolerance: ``FACTOR * eager_error + EPS * scale``; zero for integers.
        passed: Whether ``export_error`` is within it, and NaNs and shapes agree.
    """

    sizes: Mapping[str, int]
    output: str
    export_error: float
    eager_error: float
    tolerance: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def example_inputs(deploy: Deploy, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """The deploy's own example at one point, checked; it gets as many keys as the largest size.

    Raises:
        PluginError: If it does not have the declared names and sizes.
    """
    keys = np.arange(1, max(sizes.values(), default=1) + 1, dtype=np.uint64)
    given = deploy.example(sizes, keys)
    inputs = {}
    for name, spec in deploy.inputs.items():
        shape = tuple(sizes[dim] if isinstance(dim, str) else dim for dim in spec.dims)
        found = (given[name].dtype.name, given[name].shape) if name in given else "missing"
        if found != (spec.dtype, shape):
            raise PluginError(
                f"its example of '{name}' is {found}, not {(spec.dtype, shape)}",
                where=type(deploy).__name__,
                remedy="Deploy.example must return the declared inputs at the sizes asked for",
            )
        inputs[name] = given[name]
    return inputs


def grid_parity(
    path: Path, format_name: str, module: nn.Module, deploy: Deploy, contract: Ref | None
) -> list[Comparison]:
    """Compare an exported file with its module at every point of the deploy's grid.

    Args:
        path: The file.
        format_name: Its format.
        module: What was exported; stays in float32.
        deploy: Its grid and examples.
        contract: A consumer's contract, or none.

    Raises:
        ParityError: If the file does not run, or violates the contract. Failed comparisons are
            returned, not raised.
    """
    points = [example_inputs(deploy, sizes) for sizes in deploy.sizes]
    with tempfile.TemporaryDirectory() as folder:
        outputs, violations = run_in_fresh_process(
            path, format_name, points, Path(folder), contract
        )
    broken = sorted({sentence for sentences in violations for sentence in sentences})
    if broken:
        raise ParityError(f"the consumer would refuse it: {'; '.join(broken)}", where=path.name)
    double = copy.deepcopy(module).double()
    comparisons = []
    for sizes, inputs, exported in zip(deploy.sizes, points, outputs, strict=True):
        eager = module_outputs(module, inputs, deploy, torch.float32)
        exact = module_outputs(double, inputs, deploy, torch.float64)
        comparisons += [
            _compare(
                sizes,
                name,
                exported[name],
                eager[name],
                exact[name],
                maximum=spec.maximum or 0.0,
            )
            for name, spec in deploy.outputs.items()
        ]
    return comparisons


def compare_predictions(expected: Table, found: Table) -> dict[str, dict[str, Any]]:
    """Column by column: ``differing`` (share of values), ``largest`` difference, ``passed``."""
    return {
        name: _compare_columns(expected[name], found[name]) for name in expected if name != "id"
    }


def module_outputs(
    module: nn.Module, inputs: Arrays, deploy: Deploy, dtype: torch.dtype
) -> dict[str, NDArray[Any]]:
    """What a module answers in a type, by name.

    Raises:
        PluginError: If it returns another number of outputs than are declared.
    """
    tensors = [torch.from_numpy(inputs[name].copy()) for name in deploy.inputs]
    converted = [tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in tensors]
    with torch.no_grad():
        result: Tensor | tuple[Tensor, ...] = module(*converted)
    values = result if isinstance(result, tuple) else (result,)
    if len(values) != len(deploy.outputs):
        raise PluginError(
            f"its module returns {len(values)} outputs, not {', '.join(deploy.outputs)}",
            where=type(deploy).__name__,
        )
    return {name: value.numpy() for name, value in zip(deploy.outputs, values, strict=True)}


def _compare(
    sizes: Mapping[str, int],
    output: str,
    exported: NDArray[Any],
    eager: NDArray[Any],
    exact: NDArray[Any],
    *,
    maximum: float,
) -> Comparison:
    export_error, eager_error = _largest(exported, exact), _largest(eager, exact)
    tolerance = allowed(eager, exact, maximum)
    return Comparison(
        sizes=dict(sizes),
        output=output,
        export_error=export_error,
        eager_error=eager_error,
        tolerance=tolerance,
        passed=exported.dtype == eager.dtype and export_error <= tolerance < np.inf,
    )


def allowed(eager: NDArray[Any], exact: NDArray[Any], maximum: float) -> float:
    """How far a file may be from float64: ``FACTOR * eager_error + EPS * scale``, 0 of integers.

    Args:
        eager: The module's answers in float32.
        exact: Those in float64.
        maximum: Largest value that the output is declared to have, or 0.
    """
    if not np.issubdtype(exact.dtype, np.floating):
        return 0.0
    scale = float(np.abs(exact[np.isfinite(exact)]).max(initial=maximum))
    return FACTOR * _largest(eager, exact) + EPS * scale


def _largest(found: NDArray[Any], exact: NDArray[Any]) -> float:
    """Largest absolute difference; infinite where shapes, NaNs or infinities disagree."""
    if found.shape != exact.shape:
        return float("inf")
    wide = found.astype(np.float64)
    same = (wide == exact) | (np.isnan(wide) & np.isnan(exact))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(wide - exact))
    return float(np.nan_to_num(difference, nan=np.inf, posinf=np.inf).max(initial=0))


def _compare_columns(expected: Any, found: Any) -> dict[str, Any]:
    if isinstance(expected, Ragged):
        if not np.array_equal(expected.offsets, found.offsets):
            return {"differing": 1.0, "largest": float("inf"), "passed": False}
        expected, found = expected.values, found.values
    if expected.shape != found.shape:
        return {"differing": 1.0, "largest": float("inf"), "passed": False}
    wide = expected.astype(np.float64)
    scale = float(np.abs(wide[np.isfinite(wide)]).max(initial=0))
    close = np.isclose(found.astype(np.float64), wide, rtol=0, atol=_SAME * scale, equal_nan=True)
    differing = 1 - float(close.mean()) if close.size else 0.0
    return {
        "differing": differing,
        "largest": _largest(found, wide),
        "passed": differing <= _SAME,
    }


def failures(comparisons: Sequence[Comparison]) -> list[str]:
    """One line per failed comparison."""
    return [
        f"{c.output} at {', '.join(f'{n} {s}' for n, s in c.sizes.items())}: "
        f"error {c.export_error:.3g}, tolerance {c.tolerance:.3g}"
        for c in comparisons
        if not c.passed
    ]
