"""The light in closed form of the data of a box of argon, from their facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.api import DataError, file_digest
from zoo_optics.physics.detector import Box, detector_of
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.faults import Faults
from zoo_optics.sources.lar_box import LarBox

__all__ = ["known_light"]


def known_light(facts: Mapping[str, Any], where: str, parameters: str = "") -> LarBox:
    """What the source ``lar-box`` expects of a point, up to the efficiency of its sensors.

    Args:
        facts: Of data.
        where: Their name, for messages.
        parameters: The file of Gaisser-Hillas parameters that they were made with; empty: none.

    Raises:
        DataError: If the data are of another source, whose light has no closed form, or were made
            with other parameters.
    """
    detector = detector_of(facts)
    if "shadow" not in facts or not isinstance(detector.volume, Box):
        raise DataError(
            "the light of these data has no closed form, so its gradient is not known",
            where=where,
            remedy="give flashes of the source lar-box",
        )
    _require_parameters(facts["scattering"], where, parameters)
    volume = detector.volume
    config = LarBoxConfig(
        low_cm=volume.low_cm,
        high_cm=volume.high_cm,
        attenuation_cm=float(facts["medium"]["attenuation_cm"]),
        parameters=parameters,
        shadow=float(facts["shadow"]["share"]),
        shadow_pitch_cm=float(facts["shadow"]["pitch_cm"]),
        margin_cm=0.0,
    )
    box = LarBox(config)
    box.detector = detector  # the sensors themselves, not how they were set out
    box.faults = Faults.of(config.faults, len(detector.sensors))  # none: yields have no slope
    return box


def _require_parameters(scattering: Mapping[str, Any], where: str, parameters: str) -> None:
    digest = file_digest(Path(parameters)) if parameters else ""
    if digest == scattering["sha256"]:
        return
    name = scattering["name"]
    raise DataError(
        "the data were made without parameters of scattering"
        if not scattering["sha256"]
        else f"the data were made with the parameters of {name}",
        where=f"{where}: {parameters or 'no --parameters'}",
        remedy="leave --parameters out"
        if not scattering["sha256"]
        else f"give --parameters FILE: {name}, sha256 {scattering['sha256'][:12]}",
    )
