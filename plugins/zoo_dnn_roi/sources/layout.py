"""Where the planes of an anode are among the channels of a frame: a geometry file.

A geometry file is TOML. The channels of an anode, in ascending order, are divided among its planes:

.. code-block:: toml

    name = "invented"
    tick_ns = 500.0
    ticks = [0, 3500]       # optional: the ticks that are used
    [[planes]]
    name = "U"
    induction = true
    channels = [0, 800]     # first, one past the last, counted from the first of the anode
    crop = [0, 512]         # optional: the wires that are used
    pitch_mm = 4.67         # optional, as is angle_deg; facts that weights are bound to
    angle_deg = 35.7
    [readout]               # optional: what simulators need beside the planes
    drift_speed_mm_us = 1.565
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from zoo.api import Config, ConfigError, DataError

__all__ = ["Layout", "PlaneLayout", "ReadoutLayout", "load_layout", "presets"]

Span = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Nonnegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
IntArray = NDArray[np.int64]

_INDUCTION = 2  # planes that the task treats


class PlaneLayout(Config):
    """A plane of an anode."""

    name: str = Field(min_length=1)
    """One letter or word, e.g. ``U``."""
    induction: bool
    """True when electrons drift past, false when the wires collect them."""
    channels: Span
    """First channel and one past the last, in the ascending order of the anode's channels."""
    crop: Span | None = None
    """First wire and one past the last that are used, counted in the plane; absent: all."""
    pitch_mm: float | None = Field(None, gt=0)
    """Distance of neighbouring wires, mm."""
    angle_deg: float | None = Field(None, ge=-90, le=90)
    """Angle of the line across the wires from z towards y, degrees."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        start, stop = self.channels
        if start >= stop:
            raise ValueError(f"channels must be first, one past the last, not {self.channels}")
        if self.crop is not None and not self.crop[0] < self.crop[1] <= stop - start:
            raise ValueError(f"crop {self.crop} is no part of {stop - start} wires")
        return self

    @property
    def used(self) -> slice:
        """The channels that are used, among those of the anode."""
        first, stop = self._used
        return slice(first, stop)

    @property
    def wires(self) -> int:
        """Number of wires that are used."""
        first, stop = self._used
        return stop - first

    @property
    def _used(self) -> Span:
        start, stop = self.channels
        first, past = self.crop or (0, stop - start)
        return start + first, start + past


class ReadoutLayout(Config):
    """Drift volume and electronics, for simulators; what is absent is ProtoDUNE-HD's."""

    drift_speed_mm_us: Positive | None = None
    """Electron drift speed, mm/us."""
    drift_length_mm: Positive | None = None
    """Depth of the drift volume, mm."""
    longitudinal_cm2_s: Nonnegative | None = None
    """Diffusion constant along the drift, cm2/s."""
    transverse_cm2_s: Nonnegative | None = None
    """Diffusion constant across the drift, cm2/s."""
    lifetime_ms: Positive | None = None
    """Electron lifetime, ms."""
    gain_mv_fc: Positive | None = None
    """Peak of the response of the electronics, mV/fC."""
    peaking_us: Annotated[float, Field(gt=0, le=3.3)] | None = None
    """Peaking time of the electronics, us."""
    adc_bits: Annotated[int, Field(ge=4, le=24)] | None = None
    """Resolution of the converter."""
    adc_range_mv: Positive | None = None
    """Voltage of its full scale, mV."""

    def given(self) -> dict[str, Any]:
        """What it says."""
        return self.model_dump(exclude_none=True)


class Layout(Config):
    """The planes of an anode and the ticks of a readout."""

    name: str = Field(min_length=1)
    """Name of the detector."""
    tick_ns: float = Field(gt=0)
    """Sampling period, ns."""
    ticks: Span | None = None
    """First tick and one past the last that are used; absent: all that a file has."""
    gaps: bool = False
    """Whether numbers of channels may be missing between those of an anode."""
    planes: tuple[PlaneLayout, ...] = Field(min_length=1)
    """Its planes, in the order in which electrons pass them."""
    readout: ReadoutLayout = ReadoutLayout()
    """What simulators need beside the planes."""

    @model_validator(mode="after")
    def _divided(self) -> Self:
        names = [plane.name for plane in self.planes]
        if len(set(names)) != len(names):
            raise ValueError(f"two planes have one name: {names}")
        last = 0
        for plane in sorted(self.planes, key=lambda plane: plane.channels):
            if plane.channels[0] != last:
                raise ValueError(
                    f"plane {plane.name} begins at channel {plane.channels[0]}, not at {last}, "
                    "where the one before ends"
                )
            last = plane.channels[1]
        if not 1 <= len(self.induction) <= _INDUCTION:
            raise ValueError(f"one or two induction planes, not {len(self.induction)}")
        if self.ticks is not None and self.ticks[0] >= self.ticks[1]:
            raise ValueError(f"ticks must be first, one past the last, not {self.ticks}")
        return self

    @property
    def induction(self) -> tuple[PlaneLayout, ...]:
        """The planes that DNN-ROI treats."""
        return tuple(plane for plane in self.planes if plane.induction)

    @property
    def channels(self) -> int:
        """Number of channels of an anode."""
        return max(plane.channels[1] for plane in self.planes)

    @property
    def digest(self) -> str:
        """sha256 of all it says of planes and ticks, however the file is written."""
        said = self.model_dump(mode="json", exclude={"readout"})
        text = json.dumps(said, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """What weights are bound to: ``geometry`` as far as it is known, and its digest."""
        geometry: dict[str, Any] = {"tick_ns": self.tick_ns}
        for key in ("pitch_mm", "angle_deg"):
            values = {plane.name: getattr(plane, key) for plane in self.planes}
            if None not in values.values():
                geometry[key] = values
        return {"detector": self.name, "geometry": geometry, "geometry_digest": self.digest}

    def order(self, channels: IntArray, where: str) -> IntArray:
        """Rows of a frame in ascending order of their channels.

        Args:
            channels: int64 (rows,), channel of each row.
            where: Names the frame in errors.

        Returns:
            int64 (rows,); ``order[plane.used]`` are the rows of a plane.

        Raises:
            DataError: The channels are not all those of one anode of this detector.
        """
        order = np.argsort(channels, kind="stable")
        ascending = channels[order]
        if len(channels) != self.channels:
            problem = f"{len(channels)} channels, where an anode has {self.channels}"
        elif np.any(np.diff(ascending) == 0):
            problem = "two rows of one channel"
        elif not self.gaps and ascending[-1] - ascending[0] != self.channels - 1:
            problem = "numbers are missing between its channels"
        elif not self.gaps and ascending[0] % self.channels:
            problem = f"first channel {ascending[0]}, no multiple of {self.channels}"
        else:
            return order
        raise DataError(
            f"wrong channel map for {self.name}: {problem}",
            where=where,
            remedy="give the geometry of the detector that took the frame (data.options.detector)",
        )

    def tick_slice(self, ticks: int, where: str) -> slice:
        """The ticks that are used of so many.

        Raises:
            DataError: The readout is shorter than they are.
        """
        first, stop = self.ticks or (0, ticks)
        if stop > ticks:
            raise DataError(
                f"{ticks} ticks, of which {self.name} uses {first} to {stop}",
                where=where,
                remedy="give a geometry file with other ticks",
            )
        return slice(first, stop)


def presets() -> tuple[str, ...]:
    """Names of the detectors whose geometry files come with the plugin."""
    folder = files("zoo_dnn_roi").joinpath("detectors")
    found = [entry.name for entry in folder.iterdir()]
    return tuple(sorted(name[: -len(".toml")] for name in found if name.endswith(".toml")))


def load_layout(detector: str) -> Layout:
    """The geometry of a detector.

    Args:
        detector: The name of a preset, or the path of a geometry file (``.toml``).

    Raises:
        ConfigError: There is no such preset or file, or it is no geometry file.
    """
    if detector.endswith(".toml"):
        file: Traversable = Path(detector)
    elif detector in presets():
        file = files("zoo_dnn_roi").joinpath("detectors", f"{detector}.toml")
    else:
        raise ConfigError(
            "no such detector",
            where=detector,
            remedy=f"choose one of {', '.join(presets())}, or give a geometry file (.toml)",
        )
    try:
        return Layout.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"the geometry file cannot be read ({error})", where=detector, remedy="check the file"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"no geometry file: {f'{place}: ' if place else ''}{first['msg']}",
            where=detector,
            remedy="the plugin's page shows one; presets are in zoo_dnn_roi/detectors",
        ) from error
