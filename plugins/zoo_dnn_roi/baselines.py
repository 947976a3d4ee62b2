"""Rows without a network: traditional ROIs, the bare coincidence of planes, and the true mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zoo.api import Config, Predictor, Table
from zoo_dnn_roi.codec import bin_means
from zoo_dnn_roi.physics.masking import apply_mask, repeat_bins

__all__ = ["BaselineConfig", "Coincidence", "OracleConfig", "OracleMask", "Traditional"]

BoolArray = NDArray[np.bool_]


class BaselineConfig(Config):
    """Nothing to set: the constants are those of ProtoDUNE-HD's signal processing."""


class OracleConfig(Config):
    """How the true mask is cut; the values of the networks that it bounds."""

    rebin: int = Field(10, ge=1)
    """Ticks per time bin."""
    truth_threshold: float = Field(100.0, ge=0)
    """Electrons per tick, mean over a bin, above which the bin is inside."""


class _Masked(Predictor):
    """A predictor whose mask is known from the sample."""

    def __init__(self, config: Any, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.facts = facts

    def mask(self, samples: Table) -> BoolArray:
        """Bool (N, wires, ticks)."""
        raise NotImplementedError  # abstract: each has its own mask

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``mask``, and the ``charge`` inside above the line through the ends of each ROI."""
        mask, decon = self.mask(samples), samples["decon_charge"]
        charge = [apply_mask(q, m, baseline=True) for q, m in zip(decon, mask, strict=True)]
        return Table({"id": samples.ids, "mask": mask.astype(np.uint8), "charge": np.stack(charge)})


class Traditional(_Masked):
    """The final ROIs of traditional signal processing, which come with the sample.

    They need all three planes, so the source finds them; see ``physics/refine.py``.
    """

    needs: frozenset[str] = frozenset({"traditional", "decon_charge"})

    def mask(self, samples: Table) -> BoolArray:
        """The sample's field ``traditional``."""
        found: BoolArray = samples["traditional"] > 0
        return found


class Coincidence(_Masked):
    """The crossings at which all three planes are active (MP3), an input of the networks.

    A network that has only learnt to copy this input is no better than this row.
    """

    needs: frozenset[str] = frozenset({"mp3", "decon_charge"})

    def mask(self, samples: Table) -> BoolArray:
        """The sample's field ``mp3``."""
        found: BoolArray = samples["mp3"] > 0
        return found


class OracleMask(_Masked):
    """The true mask: the ceiling of any network of this binning."""

    needs: frozenset[str] = frozenset({"truth", "decon_charge"})

    def mask(self, samples: Table) -> BoolArray:
        """True charge, rebinned and cut as the targets of the networks are."""
        truth = samples["truth"]
        inside = bin_means(truth, self.config.rebin) > self.config.truth_threshold
        return repeat_bins(inside, self.config.rebin, truth.shape[2])
