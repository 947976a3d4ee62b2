"""How well hidden energies and voxels are told.

A row holds sums and histograms, so that numbers of many rows are those of all their places
together. What is asked stands in the prediction; what is true is read from the event. A prediction
that is no number makes the numbers of its rows undefined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Metrics, Number, Table
from zoo_sparse_reco.masking.patches import log_energy
from zoo_sparse_reco.metrics.numbers import percent, ratio

__all__ = ["RMS_ERROR", "MaskedMetrics", "true_at"]

Floats = NDArray[np.float64]

RMS_ERROR = "log energy RMS error"
"""The number that decides."""

_SUMS = ("count", "error", "squared_error", "true", "squared_true")
_EDGES = np.concatenate([[-np.inf], np.linspace(-12, 12, 241), [np.inf]])  # of logits
_LEAST = 1e-6  # of a probability whose logarithm is taken
_AXES = "xyz"


class MaskedMetrics(Metrics):
    """RMS error of hidden logarithms of energies (primary), explained variance, bias; occupancy.

    The logarithm is ``ln(E / MeV + 0.01)``. Energies of voxels whose place was known, and of
    those whose place was hidden, too, have numbers of their own. Occupancy is judged at hidden
    places: area under the curve of found voxels against wrong ones, and mean cross-entropy.
    Binned in the number of voxels and in the visible energy.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "voxels": (0, 500, 1000, 2000, 4000, 8000, 16_000, 64_000),
        "visible_energy": (0, 250, 500, 1000, 2000, 4000, 16_000),
    }
    primary: ClassVar[str] = RMS_ERROR

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Sums of every event.

        Columns: ``known_*`` and ``hidden_*``, sums over voxels whose place was known and over the
        others; ``scores_occupied`` and ``scores_empty`` (N, bins), histograms of logits at hidden
        places; ``cross_entropy``, its sum over them; ``voxels``; ``visible_energy``, MeV.

        Raises:
            DataError: Predictions are not of these events.
        """
        rows = [_event(samples, predictions, row) for row in range(samples.rows)]
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_ROW, ())
        bins = (len(_EDGES) - 1,)
        shapes |= {"scores_occupied": bins, "scores_empty": bins}
        columns = {
            name: np.array([one[name] for one in rows], np.float64).reshape(samples.rows, *shape)
            for name, shape in shapes.items()
        }
        return Table({"id": samples.ids, **columns})

    def summarise(self, rows: Table) -> Sequence[Number]:
        """All numbers; what no place tells is not defined."""
        known, hidden = (
            {name: rows[f"{kind}_{name}"].sum() for name in _SUMS} for kind in ("known", "hidden")
        )
        occupied, empty = (rows[f"scores_{one}"].sum(0) for one in ("occupied", "empty"))
        bias = float(ratio(known["error"], known["count"]))
        places = occupied.sum() + empty.sum()
        found = occupied[len(occupied) // 2 :].sum()  # of a probability above 1/2
        wrong = empty[len(empty) // 2 :].sum()
        return (
            Number(name=RMS_ERROR, value=_rms(known)),
            percent("explained variance", _explained(known)),
            Number(name="log energy bias", value=bias, better="zero", margin=0.02, absolute=True),
            Number(name=f"{RMS_ERROR}, hidden voxels", value=_rms(hidden)),
            percent("explained variance, hidden voxels", _explained(hidden)),
            percent("occupancy AUC", _area(occupied, empty)),
            Number(
                name="occupancy cross-entropy",
                value=float(ratio(rows["cross_entropy"].sum(), places)),
            ),
            percent("hidden voxels found", ratio(found, occupied.sum())),
            percent("found voxels that are there", ratio(found, found + wrong)),
        )


_ROW = (
    *(f"{kind}_{name}" for kind in ("known", "hidden") for name in _SUMS),
    "cross_entropy",
    "voxels",
    "visible_energy",
)


def true_at(samples: Table, predictions: Table, row: int) -> tuple[NDArray[np.bool_], Floats]:
    """Whether there is a voxel at each place that was asked, (A,), and its energy, MeV, or 0.

    Raises:
        DataError: The energy of a voxel was asked that the event does not have.
    """
    there, asked = (
        [table[f"{name}_{axis}"][row].astype(np.int64) for axis in _AXES]
        for table, name in ((samples, "voxel"), (predictions, "asked"))
    )
    code, wanted = ((x << 32) | (y << 16) | z for x, y, z in (there, asked))
    order = np.argsort(code)
    at = np.searchsorted(code[order], wanted)
    ended = np.append(code[order], -1)
    occupied = ended[at] == wanted
    if not (occupied | (predictions["asked_place"][row] == 1)).all():
        raise DataError(
            "an energy is predicted where the event has no voxel",
            where=f"event {int(samples.ids[row])}",
            remedy="predict on the samples that are measured",
        )
    energy = np.zeros(len(wanted))
    energy[occupied] = samples["deposit"][row][order[at[occupied]]]
    return occupied, energy


def _event(samples: Table, predictions: Table, row: int) -> Mapping[str, Any]:
    occupied, energy = true_at(samples, predictions, row)
    place = predictions["asked_place"][row] == 1
    found, true = log_energy(predictions["asked_energy"][row]), log_energy(energy)
    deposit = samples["deposit"][row]
    return {
        **_sums("known", found[~place], true[~place]),
        **_sums("hidden", found[place & occupied], true[place & occupied]),
        **_scores(predictions["asked_occupancy"][row][place].astype(np.float64), occupied[place]),
        "voxels": len(deposit),
        "visible_energy": deposit.sum(dtype=np.float64),
    }


def _sums(kind: str, found: Floats, true: Floats) -> dict[str, float]:
    error = found - true
    values = (len(true), error.sum(), (error**2).sum(), true.sum(), (true**2).sum())
    return {f"{kind}_{name}": float(one) for name, one in zip(_SUMS, values, strict=True)}


def _scores(chance: Floats, occupied: NDArray[np.bool_]) -> dict[str, Any]:
    if np.isnan(chance).any():
        broken = np.full(len(_EDGES) - 1, np.nan)
        return {"scores_occupied": broken, "scores_empty": broken, "cross_entropy": np.nan}
    chance = np.clip(chance, _LEAST, 1 - _LEAST)
    logit = np.log(chance / (1 - chance))
    entropy = -np.log(np.where(occupied, chance, 1 - chance))
    return {
        "scores_occupied": np.histogram(logit[occupied], _EDGES)[0],
        "scores_empty": np.histogram(logit[~occupied], _EDGES)[0],
        "cross_entropy": float(entropy.sum()),
    }


def _rms(sums: Mapping[str, float]) -> float:
    return float(np.sqrt(ratio(sums["squared_error"], sums["count"])))


def _explained(sums: Mapping[str, float]) -> float:
    """``1 - mean squared error / variance``; not defined where all energies are equal."""
    variance = sums["squared_true"] - ratio(sums["true"] ** 2, sums["count"])
    return float(1 - ratio(sums["squared_error"], variance))


def _area(occupied: Floats, empty: Floats) -> float:
    """Probability that a voxel has a higher score than an empty place; equal bins count a half."""
    below = np.cumsum(empty) - empty
    return float(ratio((occupied * (below + empty / 2)).sum(), occupied.sum() * empty.sum()))
