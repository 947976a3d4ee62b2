"""Flashes in a box of liquid argon, whose light is known in closed form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table, file_digest, generator, row_ids, uniform
from zoo_optics.physics.detector import Box, Detector, Sensors
from zoo_optics.physics.semi_analytic import GaisserHillas, scattering_correction
from zoo_optics.physics.solid_angle import cosine_and_distance, dome
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.faults import Faults

__all__ = ["LarBox", "box_detector", "load_gaisser_hillas"]

Array = NDArray[np.float64]

_ON_DISC = ((0.0, 0.0), *((0.7 * np.cos(a), 0.7 * np.sin(a)) for a in np.arange(6) * np.pi / 3))


class LarBox:
    """One flash a sample: what the model expects, and Poisson counts of it."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "absorption-20%": {"attenuation_cm": 1600.0},
        "efficiency-10%": {"efficiency": 0.9},
        "shadow-30%": {"shadow": 0.3},
        "dead-5%": {"faults": {"dead": 0.05}},
        "yields-10%": {"faults": {"yield_rms": 0.1}},
    }

    def __init__(self, config: LarBoxConfig) -> None:
        self.config = config
        self.detector = box_detector(config)
        self.faults = Faults.of(config.faults, len(self.detector.sensors))

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The geometry, and what the light meets."""
        config = self.config
        path = Path(config.parameters)
        digest = file_digest(path) if config.parameters else ""
        return {
            **self.detector.facts(),
            "emission": "isotropic",
            "medium": {"kind": "argon", "attenuation_cm": config.attenuation_cm},
            "scattering": {"name": path.name if digest else "none", "sha256": digest},
            "shadow": {"share": config.shadow, "pitch_cm": config.shadow_pitch_cm},
            **self.faults.facts(),
        }

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One flash per key."""
        position = self.detector.volume.points(uniform(keys, 3), self.config.margin_cm)
        least, largest = self.config.photons
        photons = np.rint(least * (largest / least) ** uniform(keys, 1, tag=2)[:, 0])
        columns: dict[str, Any] = {
            "id": row_ids(keys, 1),
            **self.faults.columns(position),
            "direction": np.zeros((len(keys), 3), dtype=np.float32),
            "photons": photons.astype(np.float32),
        }
        if fields & {"charge", "expected"}:
            expected = photons[:, None] * self.visibility(position)
            drawn = [generator(int(k)).poisson(e) for k, e in zip(keys, expected, strict=True)]
            columns["expected"] = expected.astype(np.float32)
            columns["charge"] = np.array(drawn, dtype=np.float32).reshape(expected.shape)
        return Table(columns).select(fields)

    def visibility(self, position_cm: Array) -> Array:
        """Probability of detection by every sensor, float64 (N, sensors), of points (N, 3), cm."""
        config, sensors = self.config, self.detector.sensors
        cosine, distance = cosine_and_distance(position_cm, sensors.position_cm, sensors.direction)
        seen = config.efficiency * dome(sensors.radius_cm, distance, cosine) / (4 * np.pi)
        seen = seen * self.faults.yields
        seen = seen * np.exp(-distance / config.attenuation_cm)
        if self._scattering is not None:
            middle = (self.detector.volume.low + self.detector.volume.high) / 2
            from_axis = np.linalg.norm(position_cm[:, 1:] - middle[1:], axis=1)[:, None]
            seen *= scattering_correction(
                self._scattering, distance, cosine, from_axis, smooth=True
            )
        return seen * self._transparency(position_cm) if config.shadow else seen

    @cached_property
    def _scattering(self) -> GaisserHillas | None:
        path = self.config.parameters
        return load_gaisser_hillas(Path(path), "dome") if path else None

    def _transparency(self, position_cm: Array) -> Array:
        """Share of each sensor that the bars leave free, seen from points: seven rays to a dome."""
        config, sensors = self.config, self.detector.sensors
        wall = self.detector.volume.high[0]
        free = np.zeros((len(position_cm), len(sensors)))
        for across, up in _ON_DISC:
            aim = sensors.position_cm + sensors.radius_cm * np.array([0.0, up, across])
            share = (wall - position_cm[:, None, 0]) / (aim[None, :, 0] - position_cm[:, None, 0])
            z = position_cm[:, None, 2] + share * (aim[None, :, 2] - position_cm[:, None, 2])
            free += (z / config.shadow_pitch_cm) % 1 >= config.shadow
        return free / len(_ON_DISC)


def box_detector(config: LarBoxConfig) -> Detector:
    """The box and its sensors, evenly spread behind the wall of largest x, looking at it."""
    box = Box(config.low_cm, config.high_cm)
    (_, y0, z0), (x1, y1, z1) = config.low_cm, config.high_cm
    y = y0 + (y1 - y0) * (np.arange(config.rows) + 0.5) / config.rows
    z = z0 + (z1 - z0) * (np.arange(config.columns) + 0.5) / config.columns
    grid = np.stack(np.meshgrid(y, z, indexing="ij"), axis=-1).reshape(-1, 2)
    x = np.full((len(grid), 1), x1 + config.behind_cm)
    inward = np.tile([-1.0, 0.0, 0.0], (len(grid), 1))
    return Detector(Sensors(np.concatenate([x, grid], 1), inward, config.sensor_radius_cm), box)


def load_gaisser_hillas(path: Path, kind: str) -> GaisserHillas:
    """Parameters of a file of Wire-Cell's semi-analytic model.

    Args:
        path: JSON with ``GH_PARS_KIND`` (4 rows), ``border_angles_deg``, and ``GH_border_KIND``
            (3 rows, changes of N, M and L) or ``GH_border_KIND_norm`` (of N alone).
        kind: ``dome`` or ``flat``.

    Raises:
        DataError: If it is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        table = np.array(content[f"GH_PARS_{kind}"], dtype=np.float64)
        border = np.array(content["border_angles_deg"], dtype=np.float64)
        slopes = np.zeros((3, len(border)))
        if f"GH_border_{kind}" in content:
            slopes[:] = content[f"GH_border_{kind}"]
        else:
            slopes[0] = content[f"GH_border_{kind}_norm"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"no Gaisser-Hillas parameters of kind {kind} ({error!r})",
            where=str(path),
            remedy="give the JSON of Wire-Cell's semi-analytic model",
        ) from error
    if table.ndim != 2 or len(table) != 4 or not np.isfinite(table).all():
        raise DataError(f"a table of shape {table.shape}, not 4 rows", where=str(path))
    return GaisserHillas(table, slopes, border)
