"""How well momentum, angle and start of a track are measured.

Widths are s68, half of the central 68.27 % interval, and biases are medians: tracks that a fit gets
wholly wrong count as such, but not by how much. Means and RMS of relative residuals of momenta are
those of the HA-TPC talk; such tracks make them.

A model tells some of the quantities. Those that follow are derived (momentum components of q/p_t
and phi, and back). The numbers of what it does not tell are not defined, and nobody is compared
with it in them: models are paired number by number, so all have the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Metrics, Number, Table
from zoo_ha_tpc.physics.pad_plane import PadPlane, plane_of
from zoo_ha_tpc.physics.resolution import limit
from zoo_ha_tpc.quantities import QUANTITIES
from zoo_ha_tpc.residuals import RESIDUALS, Residual, residuals_of, told, truths
from zoo_ha_tpc.robust import shape_of
from zoo_ha_tpc.specs import TRUTH
from zoo_ha_tpc.track_lengths import extent_of

__all__ = ["LENGTHS_MM", "MOMENTA", "PRIMARY", "HaTpcMetrics", "crossing"]

Array = NDArray[np.float64]

LENGTHS_MM = (0, 400, 700, 1100, 1600, 2400)
"""Of the HA-TPC: corners, less and more than the height of the plane, and tracks of all columns."""

MOMENTA = (0, 0.2, 0.4, 0.7, 1, 1.5, 3, 10)
"""GeV/c."""

PRIMARY = "s68 of 1/p_t"
_LABELS = {one.quantity: one.label for one in reversed(RESIDUALS)}  # the relative ones come first


def crossing(low: float, high: float) -> str:
    """Row column of p_t for tracks of some lengths, mm; NaN for all others."""
    return f"length {low:g}-{high:g} mm, p_t"


class HaTpcMetrics(Metrics):
    """s68 (primary: of 1/p_t) and bias of all quantities, slope, wrong signs, pulls, the limit.

    Binned in the length of the track on the plane, p_t, the angle to the columns' direction, the
    predicted p_t, and p_t for each range of lengths. For a model that tells no q/p_t the primary
    number is not defined: judge it by another one.
    """

    needs: ClassVar[frozenset[str]] = frozenset(TRUTH) | {"hit_row", "hit_column", "hit_charge"}
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "length": LENGTHS_MM,
        "p_t": MOMENTA,
        "angle": (0, 15, 30, 45, 60, 75, 90),
        "predicted_p_t": MOMENTA,
        **{crossing(*edges): MOMENTA for edges in pairwise(LENGTHS_MM)},
    }
    primary: ClassVar[str] = PRIMARY

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Residuals and pulls of every track, float32 (N,), and what they are binned in.

        Columns: ``relative_NAME`` and ``residual_NAME``, in the units of the predictions;
        ``pull_NAME``; ``over_limit``, that of 1/p_t in standard errors of the limit of
        :mod:`zoo_ha_tpc.physics.resolution`; ``true_inverse`` and ``predicted_inverse``, 1/p_t in
        c/GeV, the latter negative where its charge is wrong; ``length``, mm; ``clusters``;
        ``p_t`` and ``predicted_p_t``, GeV/c; ``angle``, degrees, |phi| folded to 0..90. NaN: not
        known.

        Raises:
            DataError: A prediction is not finite, or the data have no pad plane.
        """
        true, found = truths(samples), told(predictions)
        columns = residuals_of(true, found) | self._places(samples, true)
        columns["predicted_p_t"] = found.get("p_t", np.full(samples.rows, np.nan))
        if "relative_q_over_pt" in columns:
            sign = np.sign(true["q_over_pt"])
            columns["true_inverse"] = np.abs(true["q_over_pt"])
            columns["predicted_inverse"] = sign * found["q_over_pt"]
            over = columns["relative_q_over_pt"] / self._limit(samples, columns)
            columns["over_limit"] = over.astype(np.float32)
        return Table({"id": samples.ids, **columns})

    def summarise(self, rows: Table) -> Sequence[Number]:
        """All numbers; not defined are those of what the predictions or the truth lack."""
        first, *others = RESIDUALS
        return (
            *_shape(rows, first),
            *_curvature(rows),
            *(number for one in others for number in _shape(rows, one)),
            *(number for name in QUANTITIES for number in _pulls(rows, name)),
        )

    @cached_property
    def _plane(self) -> PadPlane:
        return plane_of(self.facts)

    def _places(self, samples: Table, true: Mapping[str, Array]) -> dict[str, Any]:
        """What rows are binned in."""
        unknown = np.full(samples.rows, np.nan)
        extent = extent_of(samples, self._plane)
        p_t = true.get("p_t", unknown)
        angle = np.degrees(np.abs(true.get("phi", unknown)))
        length = extent.length_mm
        return {
            "length": length,
            "clusters": extent.clusters,
            "p_t": p_t,
            "angle": np.minimum(angle, 180 - angle),
            **{
                crossing(low, high): np.where((length >= low) & (length < high), p_t, np.nan)
                for low, high in pairwise(LENGTHS_MM)
            },
        }

    def _limit(self, samples: Table, columns: Mapping[str, Any]) -> Array:
        length = np.where(columns["length"] > 0, columns["length"], np.nan)
        return limit(
            columns["p_t"],
            length,
            columns["clusters"],
            self._plane.field_tesla,
            tan_lambda=samples.get("tan_lambda", 0.0),
        )


def _shape(rows: Table, one: Residual) -> Iterator[Number]:
    """Width and bias; of relative residuals of momenta also mean and RMS about it, as in ROOT."""
    values = rows[one.column] if one.column in rows else np.empty(0, np.float32)
    median, s68 = (one.factor * value for value in shape_of(values))
    yield Number(name=f"s68 of {one.label}", value=s68, unit=one.unit)
    yield _bias(f"bias of {one.label}", median, one.unit, one.margin)
    if one.relative and one.quantity != "q_over_pt":
        known = values[~np.isnan(values)].astype(np.float64)
        mean, square = (
            (float(known.mean()), float(known @ known) / len(known))
            if len(known)
            else (np.nan, np.nan)
        )
        yield _bias(f"mean of {one.label}", one.factor * mean, one.unit, one.margin)
        rms = one.factor * max(square - mean**2, 0) ** 0.5 if len(known) else np.nan
        yield Number(name=f"RMS of {one.label}", value=rms, unit=one.unit)


def _curvature(rows: Table) -> Iterator[Number]:
    """Slope, wrong signs and the ratio to the limit.

    The slope is that of the regression of predicted on true 1/p_t of either charge: 1 where
    nothing pulls predictions to the mean of the sample, 0 where they are that mean.
    """
    slope = wrong = ratio = float("nan")
    if "over_limit" in rows and rows.rows:
        true, found = rows["true_inverse"], rows["predicted_inverse"]
        apart = true - true.mean()
        spread = float(apart @ apart)
        slope = float(apart @ found) / spread if spread > 0 else slope
        wrong = 100 * float(np.mean(found < 0))
        ratio = shape_of(rows["over_limit"]).s68
    yield _bias("slope - 1 of 1/p_t", slope - 1, "", 0.02)
    yield Number(name="wrong sign", value=wrong, unit="%", margin=0.5, absolute=True)
    yield Number(name="s68 over the textbook", value=ratio)


def _pulls(rows: Table, name: str) -> Iterator[Number]:
    """Mean and width of residuals over their errors, which are 0 and 1 where errors are right."""
    column, mean, width = f"pull_{name}", float("nan"), float("nan")
    if column in rows and rows.rows:
        mean, width = float(rows[column].mean(dtype=np.float64)), shape_of(rows[column]).s68
    label = _LABELS[name]
    yield _bias(f"pull mean of {label}", mean, "", 0.05)
    yield _bias(f"pull width - 1 of {label}", width - 1, "", 0.05)


def _bias(name: str, value: float, unit: str, margin: float) -> Number:
    return Number(name=name, value=value, unit=unit, better="zero", margin=margin, absolute=True)
