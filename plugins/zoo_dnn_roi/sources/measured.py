"""Measured charge of Wire-Cell frames, laid out on the channels of the anode that took them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from zoo.api import DataError
from zoo_dnn_roi.physics.frames import Frame, TaggedTraces, read_frames
from zoo_dnn_roi.physics.geometry import Detector, protodune_hd
from zoo_dnn_roi.physics.multiplane import Face
from zoo_dnn_roi.physics.replay import significant_charge
from zoo_dnn_roi.physics.runs import BoolArray, IntArray
from zoo_dnn_roi.physics.wire_geometry import AnodeWires, load_wires

__all__ = ["Measured", "MeasuredEvent", "read_measured"]

_TAG = "gauss"
_BAD = "bad"
_TOLERANCE = 1e-3  # of pitches and angles, relative: files of one detector round differently


@dataclass(frozen=True, eq=False, slots=True)
class MeasuredEvent:
    """The charge of one frame.

    Attributes:
        ident: Number of the frame.
        charge: By plane name float32 (channels, ticks), electrons per tick, sparse.
        dead: By plane name bool (channels,), channels masked as bad in any part of the readout.
    """

    ident: int
    charge: Mapping[str, csr_array]
    dead: Mapping[str, BoolArray]


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """Frames of one anode.

    Attributes:
        detector: The anode, with the channels of each plane, in ascending order, for its wires.
        faces: Where the wires of these channels are.
        events: The frames.
    """

    detector: Detector
    faces: tuple[Face, ...]
    events: tuple[MeasuredEvent, ...]


def read_measured(path: Path, wires: Path, floor: float) -> Measured:
    """Read the charge of all frames of an archive.

    Args:
        path: Archive of frames with one tag ``gauss...`` each.
        wires: Wire-Cell wire file of the detector.
        floor: Regions of interest with less charge are left out, electrons.

    Raises:
        DataError: A file is missing or damaged; a frame has not one such tag, not all channels of
            one anode, not the readout of the others, or charge that is not finite; or the wires
            are not ProtoDUNE-HD's, whose constants simulation and signal processing use.
    """
    frames = read_frames(path)
    traces = [_charge(frame, path) for frame in frames]
    anode = _anode(traces[0], wires, path)
    detector = _detector(anode, traces[0].waveforms.shape[1], wires)
    events = []
    for frame, charge in zip(frames, traces, strict=True):
        _require_readout(charge, anode, detector, f"{path}, frame {frame.ident}")
        events.append(_event(frame, charge, anode, detector, floor))
    return Measured(detector, anode.coincidence_faces(), tuple(events))


def _charge(frame: Frame, path: Path) -> TaggedTraces:
    tags = [tag for tag in frame.traces if tag.startswith(_TAG)]
    if len(tags) != 1:
        raise DataError(
            f"one tag '{_TAG}...' expected, found {', '.join(tags) or 'none'} among "
            f"{', '.join(frame.traces)}",
            where=f"{path}, frame {frame.ident}",
            remedy="give frames after signal processing, one anode a file",
        )
    return frame.traces[tags[0]]


def _anode(traces: TaggedTraces, wires: Path, path: Path) -> AnodeWires:
    """The anode that has the frame's channels."""
    for anode in load_wires(wires):
        if np.isin(traces.channels[:1], _channels(anode)).any():
            return anode
    raise DataError(
        f"{wires} has no channel {traces.channels[:1]}",
        where=str(path),
        remedy="give the wire file of the detector that took the frame",
    )


def _channels(anode: AnodeWires) -> IntArray:
    """All channels of an anode, plane by plane."""
    return np.concatenate([anode.channels(plane) for plane in range(3)])


def _detector(anode: AnodeWires, ticks: int, wires: Path) -> Detector:
    known = protodune_hd(ticks=ticks)
    for face in anode.faces:
        for plane, expected in zip(face, known.planes, strict=True):
            # The two faces are mirror images: their angles have opposite signs.
            found = np.array([plane.pitch_mm, abs(plane.angle_deg)])
            needed = np.array([expected.pitch_mm, abs(expected.angle_deg)])
            if not np.allclose(found, needed, rtol=_TOLERANCE, atol=_TOLERANCE):
                raise DataError(
                    f"wires of plane {expected.name} with pitch {found[0]:.4g} mm at "
                    f"{found[1]:.4g} degrees, not {needed[0]:.4g} mm at {needed[1]:.4g}",
                    where=str(wires),
                    remedy="give wires and frames of ProtoDUNE-HD",
                )
    u, v, w = (
        replace(plane, wires=len(anode.channels(index))) for index, plane in enumerate(known.planes)
    )
    return replace(known, planes=(u, v, w))


def _require_readout(
    traces: TaggedTraces, anode: AnodeWires, detector: Detector, where: str
) -> None:
    if not np.array_equal(np.sort(traces.channels), np.sort(_channels(anode))):
        raise DataError(
            f"{len(traces.channels)} channels that are not those of anode {anode.ident}",
            where=where,
            remedy="give a dense frame of all channels of one anode, and its wire file",
        )
    readout = (traces.waveforms.shape[1], traces.tick_ns)
    if readout != (detector.ticks, detector.tick_ns):
        raise DataError(
            f"{readout[0]} ticks of {readout[1]:g} ns, expected {detector.ticks} of "
            f"{detector.tick_ns:g} ns",
            where=where,
            remedy="resample the frame, and put frames of one length into one file",
        )
    if not np.isfinite(traces.waveforms).all():
        raise DataError("charge that is not finite", where=where, remedy="write the frame again")


def _event(
    frame: Frame, traces: TaggedTraces, anode: AnodeWires, detector: Detector, floor: float
) -> MeasuredEvent:
    order = np.argsort(traces.channels)
    bad = frame.masks.get(_BAD, np.zeros((0, 3), dtype=np.int64))[:, 0]
    charge, dead = {}, {}
    for index, plane in enumerate(detector.planes):
        channels = anode.channels(index)
        rows = order[np.searchsorted(traces.channels, channels, sorter=order)]
        charge[plane.name] = csr_array(significant_charge(traces.waveforms[rows], floor))
        dead[plane.name] = np.isin(channels, bad)
    return MeasuredEvent(frame.ident, charge, dead)
