"""One event: waveforms of all planes become the rows of the two induction planes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_dnn_roi.physics.deconvolution import Deconvolved
from zoo_dnn_roi.physics.geometry import Detector
from zoo_dnn_roi.physics.masking import apply_mask
from zoo_dnn_roi.physics.multiplane import Face, multiplane_masks
from zoo_dnn_roi.physics.refine import RefinedRois, collection_rois, induction_rois

__all__ = ["TARGETS", "plane_rows", "traditional_rois"]

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

TARGETS = ("U", "V")
"""The planes of ProtoDUNE-HD that DNN-ROI treats: induction signals are bipolar and cancel."""


def traditional_rois(
    detector: Detector, planes: Mapping[str, Deconvolved]
) -> dict[str, RefinedRois]:
    """Traditional ROIs by plane, in the order of the detector."""
    return {
        plane.name: _induction(planes[plane.name])
        if plane.induction
        else collection_rois(planes[plane.name].wiener, planes[plane.name].rms)
        for plane in detector.planes
    }


def _induction(p: Deconvolved) -> RefinedRois:
    return induction_rois(p.tight_lf, p.tighter_lf, p.loose_lf, p.wiener, p.rms)


def plane_rows(
    ids: NDArray[np.uint64],
    detector: Detector,
    planes: Mapping[str, Deconvolved],
    truth: Mapping[str, Float32Array],
    *,
    targets: Sequence[str] = TARGETS,
    theta_xz: float = float("nan"),
    dead: Mapping[str, BoolArray] | None = None,
    noisy: Mapping[str, BoolArray] | None = None,
    faces: Sequence[Face] | None = None,
) -> Table:
    """The rows of the induction planes, with every field of the sample.

    Args:
        ids: uint64 (targets,).
        detector: Geometry, for the coincidence of planes.
        planes: All its planes, deconvolved.
        truth: True charge of the targets, float32 (wires, ticks), e-/tick.
        targets: The induction planes that become rows, of one size.
        theta_xz: Angle of the event's track, degrees; NaN where there is none.
        dead: By plane, a mask bool (wires,).
        noisy: By plane, a mask bool (wires,).
        faces: Where the wires of the channels are, if they wrap; None: as the detector says.
    """
    rois = traditional_rois(detector, planes)
    index = [detector.index(name) for name in targets]
    every = list(rois.values())
    coincidence = [
        multiplane_masks(plane, every, detector, dead=(dead or {}).get(name), faces=faces)
        for plane, name in zip(index, targets, strict=True)
    ]

    final = [rois[target].final.mask() for target in targets]
    gauss = [
        apply_mask(planes[target].charge, mask, baseline=True)
        for target, mask in zip(targets, final, strict=True)
    ]

    def stack(name: str) -> Float32Array:
        return np.stack([getattr(planes[target], name) for target in targets])

    def flags(channels: Mapping[str, BoolArray] | None) -> NDArray[np.uint8]:
        none = np.zeros(planes[targets[0]].rms.shape, dtype=np.bool_)
        return np.stack([(channels or {}).get(t, none) for t in targets]).astype(np.uint8)

    return Table(
        {
            "id": ids,
            "loose_lf": stack("loose_lf"),
            "tight_lf": stack("tight_lf"),
            "decon_charge": stack("charge"),
            "rms": stack("rms"),
            "mp2": np.stack([mp2 for mp2, _ in coincidence]).astype(np.uint8),
            "mp3": np.stack([mp3 for _, mp3 in coincidence]).astype(np.uint8),
            "traditional": np.stack(final).astype(np.uint8),
            "gauss": np.stack(gauss),
            "truth": np.stack([truth[target] for target in targets]),
            "plane": np.array(index, dtype=np.int64),
            "theta_xz": np.full(len(targets), theta_xz, dtype=np.float32),
            "dead": flags(dead),
            "noisy": flags(noisy),
        }
    )
