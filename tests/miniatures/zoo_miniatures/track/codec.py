"""Samples to batches and back, with constants fitted before and tuned after the training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, Table, uniform

__all__ = ["PadCodec"]

_MIRROR, _GAIN = 1, 2  # tags of independent random numbers


class PadCodec(Codec):
    """Standardised pads and positions; uncertainties calibrated on the validation split.

    Constants: ``row_scale`` ``(ROWS,)`` ADC, ``mean`` and ``std`` of the position (mm) from
    :meth:`fit`; ``sigma_scale`` and ``sigma_cut`` (mm) from :meth:`tune`.
    """

    needs: frozenset[str] = frozenset({"pads"})
    targets: frozenset[str] = frozenset({"position"})

    @classmethod
    def fit(
        cls, config: Any, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        samples = Table.concat([table.select(cls.needs | cls.targets) for table in training])
        position = samples["position"].astype(np.float64)
        return {
            "row_scale": samples["pads"].astype(np.float64).max(2).mean(0),
            "mean": float(position.mean()),
            "std": float(position.std()),
        }

    def tune(self, validation: Iterable[tuple[Table, Table]]) -> Mapping[str, Any]:
        pulls, sigmas = [], []
        for samples, predictions in validation:
            sigma = predictions["sigma"].astype(np.float64)
            residual = predictions["position"].astype(np.float64) - samples["position"]
            pulls.append(np.abs(residual) / sigma)
            sigmas.append(sigma)
        scale = float(np.quantile(np.concatenate(pulls), 0.6827))
        cut = float(np.quantile(np.concatenate(sigmas), self.config.keep))
        return {"sigma_scale": scale, "sigma_cut": scale * cut}

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """Mirror the plane at random and change the gain."""
        mirror = uniform(keys, tag=_MIRROR) < 0.5
        gain = 1 + self.config.gain * (2 * uniform(keys, tag=_GAIN) - 1)
        pads = np.where(mirror[:, None, None], samples["pads"][:, :, ::-1], samples["pads"])
        position = np.where(mirror, -samples["position"], samples["position"])
        return samples.with_columns(
            {"pads": (pads * gain[:, None, None]).astype(np.float32), "position": position}
        )

    def encode(self, samples: Table) -> Batch:
        scale = np.asarray(self.constants["row_scale"])[:, None]
        inputs = {"pads": (samples["pads"] / scale)[:, None].astype(np.float32)}
        targets: dict[str, Any] = {}
        if "position" in samples:
            standard = (samples["position"] - self.constants["mean"]) / self.constants["std"]
            targets["position"] = standard.astype(np.float32)
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        std = self.constants["std"]
        position = np.asarray(outputs["mean"], np.float64) * std + self.constants["mean"]
        sigma = np.exp(np.asarray(outputs["log_variance"], np.float64) / 2) * std
        sigma *= self.constants.get("sigma_scale", 1.0)
        accepted = sigma <= self.constants.get("sigma_cut", np.inf)
        return Table(
            {
                "id": samples.ids,
                "position": position.astype(np.float32),
                "sigma": sigma.astype(np.float32),
                "accepted": accepted.astype(np.int8),
            }
        )
