"""Curves of a training, from its metrics log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.artifacts.run_directory import MEASURED
from zoo.contract.figures import Drawing

__all__ = ["training_curves"]

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]

_PLACE = MEASURED.union(("step", "epoch", "split", "phase", "updates"))
_SIDE = ("lr", "gradient_norm")
_DECADES = 30.0


def training_curves(log: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """Losses and numbers against the step, and the learning rate and gradient norm apart.

    Args:
        log: Lines of ``metrics.jsonl``.

    Returns:
        No, one or two drawings.
    """
    curves = _curves(log)
    groups = {
        "training": [key for key in curves if key[1] not in _SIDE],
        "optimizer": [key for key in curves if key[1] in _SIDE],
    }
    captions = {
        "training": "Losses of the training (line) and of the validation split (points).",
        "optimizer": "Learning rate and norm of the gradient.",
    }
    return [
        _draw(name, captions[name], {key: curves[key] for key in keys})
        for name, keys in groups.items()
        if keys
    ]


def _curves(log: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Curve]]:
    """(phase, name) -> split -> steps and values; losses first."""
    found: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for line in log:
        for name, value in line.items():
            if name not in _PLACE and isinstance(value, int | float):
                splits = found.setdefault((str(line.get("phase", "")), name), {})
                points = splits.setdefault(str(line.get("split", "train")), [])
                points.append((float(line["step"]), float(value)))
    # The only term of a phase is its loss: one panel is enough.
    shown = [key for key in found if key[1] == "loss" or found[key] != found.get((key[0], "loss"))]
    shown.sort(key=lambda key: (key[0] == "metrics", key[0], key[1] != "loss"))
    return {key: {split: _arrays(points) for split, points in found[key].items()} for key in shown}


def _arrays(points: Sequence[tuple[float, float]]) -> Curve:
    table = np.array(points, dtype=np.float64)
    return table[:, 0], table[:, 1]


def _draw(
    name: str, caption: str, curves: Mapping[tuple[str, str], Mapping[str, Curve]]
) -> Drawing:
    columns = min(2, len(curves))
    lines = -(-len(curves) // columns)
    figure = Figure(figsize=(4.4 * columns, 2.7 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    data: dict[str, NDArray[np.float64]] = {}
    for place, ((phase, number), splits) in zip(axes, curves.items(), strict=False):
        _panel(place, splits)
        place.set_ylabel(number if phase in ("net", "metrics") else f"{phase}: {number}")
        for split, (steps, values) in splits.items():
            label = " ".join(part for part in (split, phase, number) if part)
            data |= {f"{label} step": steps, label: values}
    for place in axes[len(curves) :]:
        place.axis("off")
    return Drawing(name=name, caption=caption, figure=figure, data=data)


def _panel(axes: Axes, splits: Mapping[str, Curve]) -> None:
    for split, (steps, values) in splits.items():
        if split == "train":
            axes.plot(steps, values, color="#0072b2", linewidth=1.0, label="training")
        else:
            axes.plot(steps, values, "o-", color="#d55e00", markersize=3.5, label=split)
    every = np.concatenate([values for _, values in splits.values()])
    finite = every[np.isfinite(every)]
    if len(finite) and finite.min() > 0 and finite.max() / finite.min() > _DECADES:
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    if len(splits) > 1:
        axes.legend(fontsize=8, frameon=False)
