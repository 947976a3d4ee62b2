"""How well the charge inside the regions of interest reproduces the true charge.

A row holds sums over the channels of one plane of one event, so that every number of many rows is
exact. Q is charge integrated over a window: the ticks of a channel within ``MARGIN_TICKS`` of true
charge. Bias, resolution and inefficiency are those of the DNN-ROI talk (Wire-Cell); its
inefficiency counts channels without any charge, which the traditional ROIs hardly ever leave, so
a second one counts channels with less than a tenth of theirs. Pixels and ROIs are counted as in the
DNN-ROI paper, see ``pixels.py``. Wire-Cell's own definitions are in ``wirecell_metrics.py``, those
of showers in ``shower_metrics.py``.

Unwindowed numbers sum a channel over the whole readout: this is what bias and inefficiency become
where fakes count as signal.

Dead channels give no signal. Their charge counts in E, as lost for every method alike; they are
left out of all that is counted by channel, pixel or ROI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from zoo.api import DataError, Metrics, Number, Table
from zoo_dnn_roi.physics.tracks import visible_energy
from zoo_dnn_roi.pixels import PixelCounts, count_pixels
from zoo_dnn_roi.shower_metrics import (
    NO_SHOWER,
    SHOWER_FIELDS,
    ShowerFrame,
    ShowerSums,
    measure_shower,
    shower_frames,
)
from zoo_dnn_roi.wirecell_metrics import WireCellCounts, count_channels, fit_gaussian

__all__ = ["RoiMetrics"]

SUPPORT = 10.0
"""True charge starts here, electrons per tick: below the tails of any real deposition."""

MARGIN_TICKS = 30
"""A window reaches this far beyond true charge; a deconvolved pulse has an RMS of 2.7 ticks."""

MINIMUM_CHARGE = 5000.0
"""A channel with less true charge is not judged, electrons; a MIP leaves 29 000 on a wire."""

WEAK = 0.1
"""A channel with less than this fraction of its true charge is weak."""

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Float64Array = NDArray[np.float64]


class _Channels(NamedTuple):
    """Sums over the channels of a plane, beside those of its pixels."""

    true_charge: float
    wrong_charge: float
    channels: float
    ratio: float
    ratio_squared: float
    empty: float
    weak: float
    fake_charge: float
    ratio_unwindowed: float
    empty_unwindowed: float


class _Plane(NamedTuple):
    """All that is measured of a plane."""

    channels: _Channels
    pixels: PixelCounts
    wirecell: WireCellCounts
    shower: ShowerSums


_SUMS = _Channels._fields + PixelCounts._fields


class RoiMetrics(Metrics):
    """E (primary), bias, resolution, inefficiencies; efficiency and purity of pixels and ROIs.

    E = (sum over windows of ``|Q_reco - Q_true|`` + sum of ``|Q_reco|`` elsewhere) / sum of
    Q_true: 0 for the truth, 1 for an empty plane, above 1 where fakes outweigh what is found.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"truth", "theta_xz", "dead"}) | SHOWER_FIELDS
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "theta_xz": (0, 20, 40, 60, 70, 80, 86),
        # MeV: a muon of 80 cm leaves 160, one of 1.4 m 260, cosmics on a whole face 500 to 6000.
        "energy": (0, 100, 200, 400, 800, 1600, 3200, 6400, 12800),
        "shower_energy": (100, 200, 500, 1000, 2000, 5000),  # MeV, of the electron
    }
    primary: ClassVar[str] = "E"

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Sums of every plane, float64 (N, ...), its ``theta_xz``, degrees, and ``energy``, MeV.

        The energy is what minimum-ionising muons lose to leave the true charge of the plane, that
        of its dead channels included; what the electron lifetime took is not put back.

        Args:
            samples: ``truth`` (N, wire, tick) e-/tick; where the source has them ``dead``
                (N, wire), ``theta_xz`` (N,), folded to 0..90 degrees, and the fields of showers;
                NaN is in no bin.
            predictions: ``charge`` (N, wire, tick) e-/tick, ``mask`` (N, wire, tick).

        Raises:
            DataError: If predictions and truth differ in shape, or charge is not finite.
        """
        truth, charge, mask = samples["truth"], predictions["charge"], predictions["mask"]
        if not truth.shape == charge.shape == mask.shape:
            raise DataError(
                f"truth {truth.shape}, charge {charge.shape} and mask {mask.shape} differ in shape",
                where="dnn-roi metrics",
                remedy="predict on the samples that are measured",
            )
        dead = np.asarray(samples["dead"] if "dead" in samples else np.zeros(truth.shape[:2])) > 0
        showers = set(samples) >= SHOWER_FIELDS
        frames = shower_frames(samples, self.facts) if showers else [None] * samples.rows
        planes = [
            _measured(truth[row], charge[row], mask[row] > 0, ~dead[row], frames[row])
            for row in range(len(truth))
        ]
        sums = [(*plane.channels, *plane.pixels) for plane in planes]
        columns = np.array(sums, dtype=np.float64).reshape(-1, len(_SUMS))
        return Table(
            {
                "id": samples.ids,
                "theta_xz": _folded(samples),
                "energy": visible_energy(columns[:, 0]),
                "shower_energy": _optional(samples, "shower_energy"),
                **dict(zip(_SUMS, columns.T.copy(), strict=True)),
                **_stacked("ssss", [plane.wirecell for plane in planes], WireCellCounts),
                **(_stacked("shower", [p.shower for p in planes], ShowerSums) if showers else {}),
            }
        )

    def summarise(self, rows: Table) -> Sequence[Number]:
        """Ratios of the summed rows; a resolution needs two channels.

        Those of showers are there where the source tells of showers.
        """
        sums = np.array([rows[name] for name in _SUMS]).sum(axis=1).tolist()
        q = _Channels(*sums[: len(_Channels._fields)])
        n = PixelCounts(*sums[len(_Channels._fields) :])
        mean = _ratio(q.ratio, q.channels)
        variance = max(_ratio(q.ratio_squared, q.channels) - mean**2, 0.0)
        return (
            Number(name="E", value=_ratio(q.wrong_charge, q.true_charge)),
            _points("bias", mean - 1, better="zero"),
            _percent("resolution", _ratio(variance**0.5, mean) if q.channels > 1 else np.nan),
            _points("inefficiency", _ratio(q.empty, q.channels)),
            _points("weak channels", _ratio(q.weak, q.channels)),
            _percent("pixel efficiency", _ratio(n.right_pixels, n.true_pixels), "higher"),
            _percent("pixel purity", _ratio(n.right_pixels, n.found_pixels), "higher"),
            _percent("Dice", _ratio(2 * n.right_pixels, n.true_pixels + n.found_pixels), "higher"),
            _percent("ROI efficiency", _ratio(n.seen_rois, n.true_rois), "higher"),
            _percent("ROI purity", _ratio(n.right_rois, n.found_rois), "higher"),
            _percent("fake charge", _ratio(q.fake_charge, q.true_charge)),
            _points("unwindowed bias", _ratio(q.ratio_unwindowed, q.channels) - 1, better="zero"),
            _points("unwindowed inefficiency", _ratio(q.empty_unwindowed, q.channels)),
            *_wirecell(rows),
            *_shower(rows),
        )


def _wirecell(rows: Table) -> Sequence[Number]:
    """Wire-Cell's definitions; theirs is the sign of the bias, too."""
    mean, width = fit_gaussian(rows["ssss_histogram"].sum(axis=0))
    empty = _ratio(float(rows["ssss_empty"].sum()), float(rows["ssss_valid"].sum()))
    return (
        _points("ssss bias", mean, better="zero"),
        _percent("ssss resolution", width),
        _points("ssss inefficiency", empty),
    )


def _shower(rows: Table) -> Sequence[Number]:
    """Bias of the charge on the first wires, and how far 68 % of the directions are off."""
    if "shower_angle" not in rows:
        return ()
    true, found = (float(rows[f"shower_profile_{name}"].sum()) for name in ("true", "found"))
    angles = rows["shower_angle"][np.isfinite(rows["shower_angle"])]
    angle = float(np.quantile(angles, 0.68)) if len(angles) else float("nan")
    return (
        _points("start bias", _ratio(found, true) - 1, better="zero"),
        Number(name="shower angle", value=angle, unit="deg"),
    )


def _measured(
    truth: FloatArray,
    charge: FloatArray,
    mask: BoolArray,
    alive: BoolArray,
    frame: ShowerFrame | None,
) -> _Plane:
    """All of one plane; arrays (wire, tick), ``alive`` (wire,)."""
    if not np.isfinite(charge).all():
        raise DataError(
            "predicted charge is not finite",
            where="dnn-roi metrics",
            remedy="check the weights and the input; a training with NaN gives such charge",
        )
    window = _windows(truth)
    return _Plane(
        _channel_sums(truth, charge, window, alive),
        count_pixels(truth[alive], mask[alive]),
        count_channels(truth, charge, alive, SUPPORT),
        NO_SHOWER if frame is None else measure_shower(truth, charge, window, frame),
    )


def _channel_sums(
    truth: FloatArray, charge: FloatArray, window: BoolArray, alive: BoolArray
) -> _Channels:
    true = _per_wire(truth, window)
    found = _per_wire(charge, window)
    fake = float(_per_wire(np.abs(charge), ~window).sum())
    judged = alive & (true > MINIMUM_CHARGE)
    ratio = found[judged] / true[judged]
    whole = charge.sum(axis=1, dtype=np.float64)[judged] / true[judged]
    return _Channels(
        true_charge=float(true.sum()),
        wrong_charge=_window_differences(truth, charge, window) + fake,
        channels=len(ratio),
        ratio=float(ratio.sum()),
        ratio_squared=float(np.square(ratio).sum()),
        empty=float(np.sum(ratio == 0)),
        weak=float(np.sum(ratio < WEAK)),
        fake_charge=fake,
        ratio_unwindowed=float(whole.sum()),
        empty_unwindowed=float(np.sum(whole == 0)),
    )


def _stacked(
    prefix: str, measured: Sequence[NamedTuple], kind: type[NamedTuple]
) -> dict[str, Float64Array]:
    """Columns (N, ...) of the fields of what was measured of each plane."""
    columns = zip(*measured, strict=True) if measured else [()] * len(kind._fields)
    return {
        f"{prefix}_{name}": np.array(column, dtype=np.float64)
        for name, column in zip(kind._fields, columns, strict=True)
    }


def _per_wire(charge: FloatArray, where: BoolArray) -> Float64Array:
    total: Float64Array = np.sum(charge, axis=1, where=where, dtype=np.float64)
    return total


def _windows(truth: FloatArray) -> BoolArray:
    """Bool (wire, tick): true within ``MARGIN_TICKS`` of true charge on the same wire."""
    support = (truth > SUPPORT).astype(np.uint8)
    return maximum_filter1d(support, 2 * MARGIN_TICKS + 1, axis=1, mode="constant") > 0


def _window_differences(truth: FloatArray, charge: FloatArray, window: BoolArray) -> float:
    """Sum over all windows of the absolute difference of their integrated charges."""
    starts = window.copy()
    starts[:, 1:] &= ~window[:, :-1]
    first = np.flatnonzero(starts[window])
    if len(first) == 0:
        return 0.0
    difference = charge[window].astype(np.float64) - truth[window]
    return float(np.abs(np.add.reduceat(difference, first)).sum())


def _folded(samples: Table) -> Float64Array:
    """Angles to the wire plane in 0..90 degrees; NaN where the sample has none."""
    angle = np.abs(_optional(samples, "theta_xz")) % 180
    folded: Float64Array = np.minimum(angle, 180 - angle)
    return folded


def _optional(samples: Table, name: str) -> Float64Array:
    """A column (N,); NaN where the source lacks it."""
    if name not in samples:
        return np.full(samples.rows, np.nan)
    return np.asarray(samples[name], dtype=np.float64)


def _ratio(total: float, count: float) -> float:
    return total / count if count else float("nan")


def _percent(name: str, value: float, better: Literal["lower", "higher"] = "lower") -> Number:
    return Number(name=name, value=100 * value, unit="%", better=better)


def _points(name: str, value: float, better: Literal["lower", "zero"] = "lower") -> Number:
    """A number near zero: no worse if it loses less than one percentage point."""
    return Number(name=name, value=100 * value, unit="%", better=better, margin=1.0, absolute=True)
