"""Pictures of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_silicon_tracks.metrics import MOMENTA

__all__ = ["TrackFigures"]


class TrackFigures(Figures):
    """Efficiency against transverse momentum, and events seen along the beam."""

    needs: ClassVar[frozenset[str]] = frozenset({"position"})
    displays: ClassVar[int] = 1

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """One curve per model; one display per model and event."""
        yield _efficiency(evaluations)
        if samples is None:
            return
        for name, predicted in predictions.items():
            for event in range(samples.rows):
                stem = f"event-{event}-{name.rpartition('/')[2]}"
                yield _display(stem, name, samples["position"][event], predicted["track"][event])


def _efficiency(evaluations: Mapping[str, Evaluation]) -> Drawing:
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    edges = np.array(MOMENTA)
    data = {"p_t from [GeV]": edges[:-1], "p_t to [GeV]": edges[1:]}
    for name, evaluation in evaluations.items():
        if evaluation.rows is not None:
            data[name] = _rates(evaluation.rows)
            axes.stairs(data[name], edges, label=name)
    axes.set(xscale="log", xlabel="transverse momentum [GeV]", ylabel="particles found [%]")
    axes.legend(frameon=False, fontsize="small")
    return Drawing("efficiency", "Particles found, of those with at least five hits.", figure, data)


def _rates(rows: Table) -> NDArray[np.float64]:
    bins = range(len(MOMENTA) - 1)
    found = np.array([rows[f"found_{number}"].sum() for number in bins])
    there = np.array([rows[f"particles_{number}"].sum() for number in bins])
    rates: NDArray[np.float64] = 100 * found / np.maximum(there, 1)
    return rates


def _display(
    stem: str, name: str, position: NDArray[np.float32], track: NDArray[np.int32]
) -> Drawing:
    figure = Figure(figsize=(5.0, 5.0), layout="constrained")
    axes = figure.subplots()
    x, y = position[:, 0], position[:, 1]
    axes.plot(x[track < 0], y[track < 0], ".", color="0.7", markersize=2)
    for number in range(int(track.max(initial=-1)) + 1):
        axes.plot(x[track == number], y[track == number], ".-", markersize=3, linewidth=0.7)
    axes.set(aspect="equal", xlabel="x [mm]", ylabel="y [mm]", title=name)
    data = {"x [mm]": x, "y [mm]": y, "track": track.astype(np.float64)}
    caption = f"Hits and tracks of {name}, seen along the beam; grey: on no track."
    return Drawing(stem, caption, figure, data)
