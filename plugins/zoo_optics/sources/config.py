"""Settings of the sources."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config
from zoo_optics.sources.faults import FaultsConfig

__all__ = ["CherenkovConfig", "LarBoxConfig", "PositionsConfig", "SurfacesConfig", "TankConfig"]

Fraction = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]

_OLD_ANGULAR = (1.0, 1.0, 0.99, 0.95, 0.90, 0.85, 0.80, 0.69, 0.35, 0.13)


class TankConfig(Config):
    """A cylinder with sensors; the default is that of the OpticSiren talk, with 9946."""

    geometry: str = ""
    """File of the sensors (.npz, WCSim's geofile .txt, WCTE's .json); empty: the grid below. A
    geofile takes the tank and ``sensor_radius_cm`` from here, the others tell theirs."""
    radius_cm: Length = 400.0
    """Radius of the tank."""
    half_height_cm: Length = 300.0
    """Half of its height."""
    rows: Count = 40
    """Rows of sensors on the barrel."""
    columns: Count = 168
    """Sensors of a row."""
    rings: tuple[Count, ...] = (
        *(150, 143, 136, 129, 122, 115, 108, 101, 94, 87, 79),
        *(71, 63, 55, 47, 39, 31, 23, 14, 5, 1),
    )
    """Sensors on each ring of a cap, from the outermost to the centre."""
    sensor_radius_cm: Length = 4.0
    """Radius of a sensor."""


class SurfacesConfig(Config):
    """What light meets at the end of its way."""

    efficiency: Fraction = 1.0
    """Probability that a sensor detects a photon that comes straight."""
    angular: tuple[Fraction, ...] = Field(_OLD_ANGULAR, min_length=10, max_length=10)
    """Its relative efficiency at 0, 10, ... 90 degrees; default: WCSim's table of old."""
    sensor_reflectivity: Fraction = 0.0
    """Probability that an undetected photon leaves the sensor again."""
    wall_reflectivity: Fraction = 0.0
    """The same of the wall between the sensors."""
    specular: Fraction = 0.0
    """Fraction of reflections that are those of a mirror; the others follow Lambert's law."""


class PositionsConfig(Config):
    """Where the light starts."""

    kind: Literal["volume", "rings"] = "volume"
    """Anywhere in the volume, or on the rings below."""
    margin_cm: float = Field(20.0, ge=0)
    """Least distance from the wall, in the volume."""
    heights_cm: tuple[float, ...] = Field((-250.0, -125.0, 0.0, 125.0, 250.0), min_length=1)
    """Heights of the rings; the default has the talk's 125 positions."""
    radii_cm: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (360.0, 240.0, 120.0, 0.0), min_length=1
    )
    """Radii of the rings at each height."""
    divisions: tuple[Annotated[int, Field(ge=1)], ...] = Field((12, 8, 4, 1), min_length=1)
    """Positions on each."""

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if len(self.radii_cm) != len(self.divisions):
            raise ValueError(
                f"radii_cm has {len(self.radii_cm)} rings, divisions {len(self.divisions)}"
            )
        return self


class CherenkovConfig(Config):
    """Flashes in a water tank, photon by photon."""

    tank: TankConfig = TankConfig()
    """The tank and its sensors."""
    surfaces: SurfacesConfig = SurfacesConfig()
    """Sensors and wall."""
    positions: PositionsConfig = PositionsConfig()
    """Where the light starts."""
    photons: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (10_000, 10_000)
    """Least and largest number of photons of a flash, drawn log-uniformly; equal: fixed."""
    emission: Literal["isotropic", "cone", "track", "beam"] = "isotropic"
    """To all sides; on a cone; on cones along a track; all in one direction."""
    cone_deg: float = Field(41.4, gt=0, lt=90)
    """Half opening of the cone: that of a fast charge in water."""
    track_cm: Length = 100.0
    """Length of the track, which starts at the position."""
    wavelength_nm: tuple[Length, Length] = (400.0, 400.0)
    """Least and largest wavelength, drawn as Cherenkov light is; equal: fixed."""
    absorption_factor: Length = 1.30
    """On the absorption length of pure water (WCSim's ABWFF)."""
    rayleigh_factor: Length = 0.75
    """On its scattering length (RAYFF)."""
    transit_spread_ns: float = Field(0.6, ge=0)
    """RMS of the sensors' transit time."""
    dark_khz: float = Field(0.0, ge=0)
    """Dark hits of a sensor."""
    window_ns: Length = 300.0
    """From the start of the light, within which dark hits are recorded."""
    faults: FaultsConfig = FaultsConfig()
    """What of the tank is not as believed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("photons", "wavelength_nm"):
            least, largest = getattr(self, name)
            if least > largest:
                raise ValueError(f"{name} must be least, largest, not {least}, {largest}")
        return self


class LarBoxConfig(Config):
    """Flashes in a box of liquid argon with dome sensors on the wall of largest x."""

    low_cm: tuple[float, float, float] = (0.0, -200.0, 0.0)
    """Lowest corner of the box."""
    high_cm: tuple[float, float, float] = (200.0, 200.0, 500.0)
    """Highest corner."""
    rows: int = Field(6, ge=1)
    """Sensors along y."""
    columns: int = Field(10, ge=1)
    """Sensors along z."""
    behind_cm: float = Field(13.0, gt=0)
    """How far behind the wall the sensors stand."""
    sensor_radius_cm: Length = 10.16
    """Radius of a dome."""
    photons: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (
        1_000_000,
        1_000_000,
    )
    """Least and largest number of photons of a flash, drawn log-uniformly; equal: fixed."""
    attenuation_cm: Length = 2000.0
    """Absorption length."""
    efficiency: Fraction = 1.0
    """Of the sensors."""
    parameters: str = ""
    """File of Gaisser-Hillas parameters (.json); empty: direct light alone."""
    shadow: float = Field(0.0, ge=0, lt=1)
    """Share of the wall that the bars of a field cage cover."""
    shadow_pitch_cm: Length = 40.0
    """Distance of the bars, which run along y."""
    margin_cm: float = Field(5.0, ge=0)
    """Least distance of a flash from the walls."""
    faults: FaultsConfig = FaultsConfig()
    """What of the box is not as believed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.photons[0] > self.photons[1]:
            raise ValueError(f"photons must be least, largest, not {self.photons}")
        if any(a + 2 * self.margin_cm >= b for a, b in zip(self.low_cm, self.high_cm, strict=True)):
            raise ValueError("high_cm must lie above low_cm by more than two margins")
        return self
