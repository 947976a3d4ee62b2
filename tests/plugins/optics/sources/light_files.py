"""Files as SimpleSim, WatChMaL, photonlib and larnd-sim write them, of an invented tank and box.

Charges are Poisson counts about ``photons * r^2 cos / (4 d^2)``, the share of the sphere that a
small disc covers; it is written here anew, without the plugin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RADIUS, HALF_HEIGHT, SENSOR = 200.0, 150.0, 8.0  # cm
PHOTONS = 20_000


def tank() -> tuple[Array, Array]:
    """Positions, cm, and inward normals of 6 x 16 sensors on the barrel, 4 x 9 on each cap."""
    z, phi = np.meshgrid(np.linspace(-125, 125, 6), np.arange(16) * np.pi / 8, indexing="ij")
    inward = np.stack([-np.cos(phi), -np.sin(phi), 0 * phi], axis=-1).reshape(-1, 3)
    barrel = -RADIUS * inward
    barrel[:, 2] = z.ravel()
    r, psi = np.meshgrid([40.0, 80, 120, 160], np.arange(9) * 2 * np.pi / 9, indexing="ij")
    cap = np.stack([r * np.cos(psi), r * np.sin(psi), HALF_HEIGHT + 0 * r], axis=-1).reshape(-1, 3)
    low = cap * [1, 1, -1]
    down = np.tile([0.0, 0.0, -1.0], (len(cap), 1))
    return np.concatenate([barrel, cap, low]), np.concatenate([inward, down, -down])


def tank_file(folder: Path, order: Sequence[int] | None = None, **changes: Array) -> Path:
    """The tank as an .npz, its sensors in another order if wanted."""
    position, direction = tank()
    chosen = np.arange(len(position)) if order is None else np.asarray(order)
    arrays: dict[str, Any] = {
        "positions_mm": 10 * position[chosen],
        "directions": direction[chosen],
        "radius": RADIUS / 100,
        "height": 2 * HALF_HEIGHT / 100,
        "sensor_radius": SENSOR / 100,
    }
    path = folder / "tank.npz"
    np.savez(path, **(arrays | changes))
    return path


def places(count: int, seed: int = 1) -> Array:
    """Places in the tank, (count, 3), cm."""
    rng = np.random.default_rng(seed)
    r, phi = 170 * np.sqrt(rng.random(count)), 2 * np.pi * rng.random(count)
    return np.stack([r * np.cos(phi), r * np.sin(phi), rng.uniform(-120, 120, count)], axis=1)


def share(position: Array, sensors: Array, normals: Array, radius: float = SENSOR) -> Array:
    """Part of the sphere that each sensor covers, (N, sensors)."""
    way = position[:, None] - sensors
    distance = np.linalg.norm(way, axis=2)
    cosine = np.einsum("nsi,si->ns", way, normals) / distance
    return radius**2 * np.clip(cosine, 0, None) / (4 * distance**2)


def charges(position: Array, seed: int = 2, forward: Array | None = None) -> Array:
    """Counts of the tank's sensors, (N, sensors); of light within 50 degrees of a direction."""
    sensors, normals = tank()
    mean = PHOTONS * share(position, sensors, normals)
    if forward is not None:
        way = sensors - position[:, None]
        way /= np.linalg.norm(way, axis=2, keepdims=True)
        mean *= np.einsum("nsi,ni->ns", way, forward) > np.cos(np.radians(50))
    return np.random.default_rng(seed).poisson(mean).astype(np.float64)


def write_hits(
    path: Path,
    position: Array,
    charge: Array,
    *,
    index: str,
    times: Array | None = None,
    **more: Array,
) -> Path:
    """Events with their hits.

    Args:
        path: The file.
        position: (events, 3), as it stands in the file.
        charge: (events, sensors); a hit for each that is not zero.
        index: ``start`` or ``end``.
        times: (events, sensors), ns; None: zeros.
        more: Further datasets.
    """
    event, sensor = np.nonzero(charge)
    counts = np.bincount(event, minlength=len(charge))
    ends = np.cumsum(counts)
    with h5py.File(path, "w") as file:
        file["positions"] = position[:, None].astype(np.float32)
        file["event_hits_index"] = (ends if index == "end" else ends - counts).astype(np.int64)
        file["hit_pmt"] = sensor.astype(np.int32)
        file["hit_charge"] = charge[event, sensor].astype(np.float32)
        time = np.zeros(len(event)) if times is None else times[event, sensor]
        file["hit_time"] = time.astype(np.float32)
        for name, values in more.items():
            file[name] = values
    return path


def write_simplesim(path: Path, position: Array, charge: Array, **options: Any) -> Path:
    """As SimpleSim does: END index, m; positions are given in cm."""
    number = np.arange(len(position), dtype=np.int32)
    options = {"index": "end", "evt_id": number} | options
    return write_hits(path, position / 100, charge, **options)


def write_watchmal(
    path: Path, position: Array, direction: Array, charge: Array, **options: Any
) -> Path:
    """As WatChMaL's DataTools do: START index, cm, y vertical; both are given with z vertical.

    The frame is written out for each axis: x stays, the file's y is our z, its z is minus our y.
    """
    x, y, z = direction[:, 0], direction[:, 2], -direction[:, 1]
    angles = np.stack([np.arccos(y), np.arctan2(z, x)], axis=1)
    inside = np.stack([position[:, 0], position[:, 2], -position[:, 1]], axis=1)
    columns = {
        "angles": angles.astype(np.float32),
        "energies": np.linspace(200, 900, len(position))[:, None].astype(np.float32),
        "labels": (np.arange(len(position)) % 3).astype(np.int32),
        "event_ids": np.arange(len(position), dtype=np.int32),
    }
    return write_hits(path, inside, charge, **({"index": "start"} | columns | options))


BOX = ((-100.0, -80.0, 0.0), (0.0, 80.0, 240.0))  # corners, cm
VOXELS = (5, 8, 12)
VOXEL_PHOTONS = 100_000


def wall() -> tuple[Array, Array]:
    """3 x 4 sensors 4 cm behind the wall of largest x, positions and inward normals."""
    y, z = np.meshgrid(np.linspace(-60, 60, 3), np.linspace(30, 210, 4), indexing="ij")
    position = np.stack([np.full(12, 4.0), y.ravel(), z.ravel()], axis=1)
    return position, np.tile([-1.0, 0, 0], (12, 1))


def opdet_file(folder: Path, numbers: Sequence[int] = tuple(range(12)), scale: float = 10) -> Path:
    """The wall's sensors as Wire-Cell's JSON: mm."""
    import json

    position, _ = wall()
    found = [
        {"opdet": n, **dict(zip("xyz", (scale * p).tolist(), strict=True))}
        for n, p in enumerate(position)
        if n in numbers
    ]
    path = folder / "opdet-geom.json"
    path.write_text(json.dumps({"comment": "invented", "opdets": found[::-1]}))
    return path


def voxel_middles() -> Array:
    """Middles of the voxels, (nx, ny, nz, 3), cm."""
    low, high = np.array(BOX)
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(low, high, VOXELS, strict=True)]
    middles = [(e[1:] + e[:-1]) / 2 for e in edges]
    return np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)


def visibilities(seed: int = 3) -> Array:
    """(nx, ny, nz, 12): counts of a voxel's photons, divided by their number."""
    position, normals = wall()
    mean = VOXEL_PHOTONS * share(voxel_middles().reshape(-1, 3), position, normals, radius=10)
    counts = np.random.default_rng(seed).poisson(mean)
    return (counts / VOXEL_PHOTONS).reshape(*VOXELS, 12)


def write_library(
    path: Path,
    visibility: Array | None = None,
    chunks: tuple[int, int] | bool = (40, 12),
    **changes: Any,
) -> Path:
    """As photonlib does: voxels with x fastest, gzip."""
    found = visibilities() if visibility is None else visibility
    datasets: dict[str, Any] = {
        "numvox": np.array(VOXELS),
        "min": np.array(BOX[0]),
        "max": np.array(BOX[1]),
        "vis": found.transpose(2, 1, 0, 3).reshape(-1, found.shape[3]).astype(np.float32),
    }
    with h5py.File(path, "w") as file:
        for name, values in (datasets | changes).items():
            if name == "vis":
                file.create_dataset(name, data=values, compression="gzip", chunks=chunks)
            elif values is not None:
                file[name] = values
    return path


def write_lut(path: Path, visibility: Array | None = None, *, packed: bool = False) -> Path:
    """As larnd-sim does: a structured array with the time and its distribution."""
    found = visibilities() if visibility is None else visibility
    kind = np.dtype([("vis", "f4"), ("t0", "f4"), ("time_dist", "f4", (100,))])
    table = np.zeros(found.shape, kind)
    table["vis"] = found
    table["t0"] = 5.0
    (np.savez_compressed if packed else np.savez)(path, arr=table)
    return path


def columns_of(table: Any, names: Sequence[str]) -> Mapping[str, Array]:
    """Columns of a table as float64."""
    return {name: np.asarray(table[name], np.float64) for name in names}
