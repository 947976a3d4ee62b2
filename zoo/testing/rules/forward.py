"""R03: networks at every size that the deploy names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.contract.codec import Batch
from zoo.contract.deploy import Deploy
from zoo.contract.specs import Field
from zoo.export.parity import example_inputs
from zoo.prediction.network import NetworkPredictor
from zoo.testing.rule import Violation
from zoo.testing.subjects import ModelSubject

__all__ = ["sizes"]


def sizes(subject: ModelSubject) -> str:
    """Have the networks answer at every point of the grid; without one, on encoded samples."""
    predictor = subject.practice.predictor()
    deploy = subject.deploy
    if deploy is None:
        return _on_samples(subject, predictor)
    _require_grid(deploy)
    for point in deploy.sizes:
        inputs = example_inputs(deploy, point)
        ids = np.arange(len(next(iter(inputs.values()))), dtype=np.uint64)
        where = ", ".join(f"{name} {size}" for name, size in point.items())
        try:
            outputs = predictor.outputs(Batch(inputs, {}, ids))
        except Exception as error:
            raise Violation(f"at {where}: {type(error).__name__}: {error}") from error
        _require_outputs(deploy, outputs, point, where)
    return f"{len(deploy.sizes)} points of the grid"


def _require_grid(deploy: Deploy) -> None:
    remedy = "give Deploy.sizes a typical point, the smallest, the largest, and batches of 1 and 2"
    if not deploy.sizes:
        raise Violation("Deploy.sizes is empty", remedy)
    free = {dim for field in deploy.inputs.values() for dim in field.dims if isinstance(dim, str)}
    for point in deploy.sizes:
        if missing := free - set(point):
            raise Violation(f"a point of Deploy.sizes lacks {', '.join(sorted(missing))}", remedy)
    for size in (1, 2):
        if "batch" in free and not any(point["batch"] == size for point in deploy.sizes):
            raise Violation(f"no point of Deploy.sizes has a batch of {size}", remedy)


def _require_outputs(deploy: Deploy, outputs: Any, point: Mapping[str, int], where: str) -> None:
    predicted = {k: spec for k, spec in deploy.outputs.items() if k not in deploy.additional}
    if not isinstance(outputs, Mapping) or set(outputs) != set(predicted):
        found = ", ".join(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise Violation(
            f"the learner predicts {found}, and Deploy.outputs are {', '.join(predicted)}",
            "give both the same names",
        )
    for name, spec in predicted.items():
        _require_output(name, outputs[name], spec, point, where)


def _require_output(
    name: str, value: Any, spec: Field, point: Mapping[str, int], where: str
) -> None:
    array = np.asarray(value)
    wanted = [point.get(dim, dim) if isinstance(dim, str) else dim for dim in spec.dims]
    fits = len(wanted) == array.ndim and all(
        isinstance(size, str) or size == found
        for size, found in zip(wanted, array.shape, strict=True)
    )
    if not fits:
        raise Violation(f"at {where}: '{name}' has shape {array.shape}, declared {spec.dims}")
    if array.dtype.name != spec.dtype:
        raise Violation(f"at {where}: '{name}' has dtype {array.dtype}, declared {spec.dtype}")
    if spec.finite and not np.isfinite(array).all():
        raise Violation(f"at {where}: '{name}' is not finite")


def _on_samples(subject: ModelSubject, predictor: NetworkPredictor) -> str:
    samples = subject.samples(predictor.needs, 4)
    for count in sorted({1, 2, samples.rows}):
        batch = predictor.codec.encode(samples.select(predictor.needs).take(slice(0, count)))
        outputs = predictor.outputs(batch)
        if not _finite(outputs):
            raise Violation(f"of {count} samples: an output is not finite")
    return "encoded samples: there is no deploy"


def _finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    array = np.asarray(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
