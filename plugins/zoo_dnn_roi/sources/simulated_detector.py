"""The detector that is simulated: a face of ProtoDUNE-HD, or what a geometry file says.

Of a geometry file, each channel that is used is one straight wire; the wires of each plane have a
common middle. A readout has as many ticks as are used. Constants of the deconvolution, of the
traditional chain and of the coincidence are ProtoDUNE-HD's, by the order of the planes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from zoo.api import ConfigError
from zoo_dnn_roi.physics.geometry import Detector, Plane, protodune_hd
from zoo_dnn_roi.sources.config import LEAST_TICKS, LEAST_WIRES, DetectorConfig
from zoo_dnn_roi.sources.layout import Layout, PlaneLayout, load_layout

__all__ = ["detector_facts", "simulated_detector", "visible_depth"]

_ORDER = (True, True, False)  # induction, induction, collection
_TICK_NS = (250.0, 1000.0)  # paddings and bins are numbers of ticks, made for 500 ns
_PARALLEL = 1e-3  # sine of the angle between the wires of two planes
_TAIL_MM = 172.15  # of drift: a response that the end of the readout cuts gives false charge
_DRIFT = ("drift_length_mm", "longitudinal_cm2_s", "transverse_cm2_s", "lifetime_ms")


def simulated_detector(config: DetectorConfig) -> tuple[Detector, Layout | None]:
    """The detector of some settings, and the geometry file that it is from.

    Raises:
        ConfigError: The file is wrong or says too little, or a setting contradicts it.
    """
    if not config.geometry:
        plain = protodune_hd(config.wires, config.ticks)
        return replace(plain, **{name: getattr(config, name) for name in _DRIFT}), None
    layout = load_layout(config.geometry)
    _refuse_contradictions(config, layout)
    first, stop = layout.ticks or (0, config.ticks)
    set_here = {name: getattr(config, name) for name in _DRIFT if name in config.model_fields_set}
    constants = layout.readout.given() | set_here
    detector = Detector(
        planes=_planes(layout, config.geometry),
        ticks=stop - first,
        tick_ns=layout.tick_ns,
        **constants,
    )
    _check(detector, config.geometry)
    return detector, layout


def detector_facts(detector: Detector, layout: Layout | None = None) -> dict[str, Any]:
    """What weights are bound to (``geometry``, its digest), and the readout, which is free.

    Args:
        detector: The detector.
        layout: The geometry file that it is from.
    """
    facts: dict[str, Any] = {
        "geometry": {
            "pitch_mm": {plane.name: plane.pitch_mm for plane in detector.planes},
            "angle_deg": {plane.name: plane.angle_deg for plane in detector.planes},
            "tick_ns": detector.tick_ns,
        },
        "readout": {
            "wires": {plane.name: plane.wires for plane in detector.planes},
            "ticks": detector.ticks,
        },
    }
    return facts if layout is None else facts | layout.facts() | _more_facts(detector)


def visible_depth(detector: Detector) -> float:
    """Largest x that is read out in full, mm, of what happens when the readout begins."""
    ticks = detector.ticks - round(_TAIL_MM / detector.mm_per_tick)
    return min(ticks * detector.mm_per_tick, detector.drift_length_mm)


def _more_facts(detector: Detector) -> dict[str, Any]:
    """What a geometry file may change beside the geometry."""
    return {
        "planes": [plane.name for plane in detector.planes],
        "electronics": {
            "gain_mv_fc": detector.gain_mv_fc,
            "peaking_us": detector.peaking_us,
            "adc_bits": detector.adc_bits,
            "adc_range_mv": detector.adc_range_mv,
        },
        "drift_length_mm": detector.drift_length_mm,
    }


def _refuse_contradictions(config: DetectorConfig, layout: Layout) -> None:
    """What the digest of a geometry file covers cannot be set beside it."""
    remedies = {"wires": "other channels or a crop"}
    if layout.ticks:
        remedies["ticks"] = "other ticks"
    for name in remedies.keys() & config.model_fields_set:
        raise ConfigError(
            f"{name} are set, and said by the geometry file {config.geometry}",
            where=f"data.options.detector.{name}",
            remedy=f"leave the setting out, or write a geometry file with {remedies[name]}",
        )


def _planes(layout: Layout, where: str) -> tuple[Plane, Plane, Plane]:
    if tuple(plane.induction for plane in layout.planes) != _ORDER:
        found = ", ".join(
            f"{plane.name} ({'induction' if plane.induction else 'collection'})"
            for plane in layout.planes
        )
        raise ConfigError(
            f"planes {found}: simulators need two induction planes, then one collection plane, "
            "because the images mp2 and mp3 are coincidences of three",
            where=where,
            remedy="list three planes in the order in which electrons pass them; frames of other "
            "detectors are read by wct-hdf5 and wct-frames",
        )
    u, v, w = (_plane(plane, where) for plane in layout.planes)
    return u, v, w


def _plane(plane: PlaneLayout, where: str) -> Plane:
    if plane.pitch_mm is None or plane.angle_deg is None:
        lacking = "pitch_mm" if plane.pitch_mm is None else "angle_deg"
        raise ConfigError(
            f"plane {plane.name} has no {lacking}",
            where=where,
            remedy="give pitch_mm and angle_deg of every plane: simulators need to know where its "
            "wires are (copy a preset that lacks them, and add them)",
        )
    if plane.wires < LEAST_WIRES:
        raise ConfigError(
            f"plane {plane.name} has {plane.wires} wires",
            where=where,
            remedy=f"give at least {LEAST_WIRES}: electrons induce on ten to either side",
        )
    return Plane(plane.name, plane.wires, plane.pitch_mm, plane.angle_deg, plane.induction)


def _check(detector: Detector, where: str) -> None:
    low, high = _TICK_NS
    if not low <= detector.tick_ns <= high:
        raise ConfigError(
            f"ticks of {detector.tick_ns:g} ns",
            where=where,
            remedy=f"give {low:g} to {high:g} ns: constants of the traditional chain are numbers "
            "of ticks that were made for 500 ns",
        )
    least = max(LEAST_TICKS, round(_TAIL_MM / detector.mm_per_tick) + 1)
    if detector.ticks < least:
        raise ConfigError(
            f"{detector.ticks} ticks are used",
            where=where,
            remedy=f"give at least {least}: charge next to the wires must be read in full",
        )
    for one, other in combinations(detector.planes, 2):
        if abs(np.sin(np.deg2rad(one.angle_deg - other.angle_deg))) < _PARALLEL:
            raise ConfigError(
                f"the wires of {one.name} and {other.name} are parallel",
                where=where,
                remedy="give planes of different angles: three views tell where charge is",
            )
