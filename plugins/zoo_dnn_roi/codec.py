"""Planes to images and back: the one place of binning, scaling, threshold and charge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, DataError, Table
from zoo_dnn_roi.augment import augment
from zoo_dnn_roi.config import RoiConfig
from zoo_dnn_roi.metrics import RoiMetrics
from zoo_dnn_roi.physics.masking import apply_mask, repeat_bins
from zoo_dnn_roi.physics.runs import FloatArray

__all__ = ["STAMP", "RoiCodec", "bin_means"]

STAMP = 4000.0
"""What Wire-Cell writes into its MP masks, and then divides by the scale like any charge."""

_MASKS = frozenset({"mp2", "mp3"})
# E counts charge near the truth by its integral, so wide masks cost little: dense at low cuts.
_GRID = (0.01, 0.02, 0.03, 0.05, 0.07, *(round(0.05 * step, 2) for step in range(2, 20)))
_DEFAULT_THRESHOLD = 0.5


class RoiCodec(Codec):
    """Images of (wires, time bins) as Wire-Cell's ``DNNROIFinding`` makes them.

    Constants: ``threshold``, and where it was tuned ``threshold_grid`` and ``threshold_errors``.
    """

    targets: frozenset[str] = frozenset({"truth"})
    decodes: frozenset[str] = frozenset({"decon_charge"})
    config: RoiConfig

    def __init__(
        self, config: RoiConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = frozenset(config.inputs)

    @property
    def threshold(self) -> float:
        """The cut on the probability: tuned, or as set, or 0.5 before it is tuned."""
        default = self.config.threshold or _DEFAULT_THRESHOLD
        return float(self.constants.get("threshold", default))

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """Random crop and changes; see :class:`~zoo_dnn_roi.config.Augmentation`."""
        return augment(samples, keys, self.config)

    def encode(self, samples: Table) -> Batch:
        """``image`` float32 (N, inputs, wires, bins); ``mask`` bool (N, 1, wires, bins).

        Means over ``rebin`` ticks, divided by ``scale``; an MP mask counts as :data:`STAMP`.
        """
        images = []
        for name in self.config.inputs:
            unit = np.float32((STAMP if name in _MASKS else 1) / self.config.scale)
            images.append(bin_means(samples[name], self.config.rebin) * unit)
        targets: dict[str, Any] = {}
        if "truth" in samples:
            truth = bin_means(samples["truth"], self.config.rebin)
            targets["mask"] = (truth > self.config.truth_threshold)[:, None]
        return Batch({"image": np.stack(images, axis=1)}, targets, samples.ids)

    def decode(self, outputs: Mapping[str, FloatArray], samples: Table) -> Table:
        """Mask and charge from ``probability`` float32 (N, 1, wires, bins).

        Raises:
            DataError: If the probabilities do not belong to planes of this size.
        """
        score = outputs["probability"][:, 0]
        charge = samples["decon_charge"]
        if score.shape[:2] != charge.shape[:2]:
            raise DataError(
                f"probabilities of shape {score.shape} for charges of shape {charge.shape}",
                where="dnn-roi",
                remedy="decode with the samples that were encoded",
            )
        return self._cut(score, samples, self.threshold)

    def tune(self, validation: Iterable[tuple[Table, Table]]) -> Mapping[str, Any]:
        """The threshold of the smallest primary error E, unless the config fixes one.

        Raises:
            DataError: If no validation plane has true charge.
        """
        if self.config.threshold is not None:
            return {"threshold": self.config.threshold}
        metrics = RoiMetrics(self.facts)
        rows: dict[float, list[Table]] = {threshold: [] for threshold in _GRID}
        for samples, predictions in validation:
            for threshold, measured in rows.items():
                cut = self._cut(predictions["score"], samples, threshold)
                measured.append(metrics.measure(samples, cut))
        errors = [_primary(metrics, measured) for measured in rows.values()]
        if not np.isfinite(errors).all():
            raise DataError(
                "no validation plane has true charge, so no threshold can be tuned",
                where="dnn-roi",
                remedy="validate on more planes or set model.threshold",
            )
        return {
            "threshold": _GRID[int(np.argmin(errors))],
            "threshold_grid": list(_GRID),
            "threshold_errors": errors,
        }

    def _cut(self, score: FloatArray, samples: Table, threshold: float) -> Table:
        charge = samples["decon_charge"]
        mask = repeat_bins(score > threshold, self.config.rebin, charge.shape[2])
        kept = [apply_mask(q, m, baseline=True) for q, m in zip(charge, mask, strict=True)]
        return Table(
            {
                "id": samples.ids,
                "score": score.astype(np.float32, copy=False),
                "mask": mask.astype(np.uint8),
                "charge": np.stack(kept),
            }
        )


def bin_means(waveforms: NDArray[Any], rebin: int) -> FloatArray:
    """Means of ``rebin`` ticks; the last bin counts missing ticks as zero, as Wire-Cell pads.

    Args:
        waveforms: (N, wires, ticks), any number type.
        rebin: Ticks per bin.

    Returns:
        float32 (N, wires, ceil(ticks / rebin)).
    """
    count, wires, ticks = waveforms.shape
    whole = ticks // rebin
    parts = waveforms[:, :, : whole * rebin].reshape(count, wires, whole, rebin)
    means: FloatArray = parts.mean(axis=3, dtype=np.float32)
    if whole * rebin == ticks:
        return means
    rest = waveforms[:, :, whole * rebin :].sum(axis=2, dtype=np.float32) / np.float32(rebin)
    return np.concatenate([means, rest[:, :, None]], axis=2)


def _primary(metrics: RoiMetrics, rows: list[Table]) -> float:
    numbers = metrics.summarise(Table.concat(rows))
    return next(number.value for number in numbers if number.name == metrics.primary)
