"""What tests of the networks share: a small plane, and arcs drawn on its pads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo.registry import registry
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane

Tracks = Callable[..., Table]


@pytest.fixture(scope="module")
def plugin() -> Iterator[None]:
    """The registry with this plugin alone, whatever is installed."""
    point = EntryPoint("ha-tpc", "zoo_ha_tpc.plugin", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


@pytest.fixture(scope="session")
def plane() -> PadPlane:
    return PadPlane(
        name="small",
        field_tesla=0.2,
        drift_mm=1000.0,
        z=Axis(pads=48, pitch_mm=11.28, pads_of_a_module=24, gap_mm=14.0),
        y=Axis(pads=32, pitch_mm=10.19, pads_of_a_module=32, gap_mm=0.0),
    )


@pytest.fixture(scope="session")
def tracks(plane: PadPlane) -> Tracks:
    """Muons without noise: ``tracks(count, seed, mirror=False)``; mirrored, their antiparticles."""

    def make(count: int, seed: int = 0, *, mirror: bool = False) -> Table:
        rng = np.random.default_rng(seed)
        sign = -1.0 if mirror else 1.0
        truth = {
            "q_over_pt": sign * rng.choice([-1, 1], count) * rng.uniform(0.8, 4, count),
            "phi": sign * rng.uniform(-0.4, 0.4, count),
            "y_ini": sign * rng.uniform(-60, 60, count),
            "z_ini": rng.uniform(0, 60, count),
        }
        events = [_hits(plane, *(truth[name][i] for name in truth)) for i in range(count)]
        columns = {name: Ragged.of([event[name] for event in events]) for name in events[0]}
        return Table(
            {
                "id": np.arange(1, count + 1, dtype=np.uint64) + np.uint64(1000 * seed),
                **columns,
                **{name: values.astype(np.float32) for name, values in truth.items()},
                "x_ini": np.full(count, 500, np.float32),
                "tan_lambda": np.zeros(count, np.float32),
            }
        )

    return make


def _hits(
    plane: PadPlane, q_over_pt: float, phi: float, y_ini: float, z_ini: float
) -> dict[str, np.ndarray]:
    """Charge 1000 / mm of a helix, spread over rows by a Gaussian of 5 mm, from 20 ADC on."""
    bend = 0.299792458 * plane.field_tesla * q_over_pt / 1000  # per mm
    path = np.arange(0.0, plane.z.length_mm, 1.0)
    z = z_ini + (np.sin(phi + bend * path) - np.sin(phi)) / bend
    y = y_ini - (np.cos(phi + bend * path) - np.cos(phi)) / bend
    low = plane.z.low_edges()
    column = np.searchsorted(low, z, side="right") - 1
    inside = (column >= 0) & (z < low[column] + plane.z.pitch_mm)
    image = np.zeros(plane.shape)
    weight = np.exp(-((y[inside, None] - plane.y_mm) ** 2) / (2 * 5.0**2))
    np.add.at(image.T, column[inside], 100 * weight)
    row, column = np.nonzero(image >= 20)
    charge = np.minimum(image[row, column], 4095)
    return {
        "hit_row": row.astype(np.uint8),
        "hit_column": column.astype(np.uint8),
        "hit_charge": np.rint(charge).astype(np.uint16),
        "hit_time": (400 + 7 * column).astype(np.uint16),
        "hit_width": (600 + 3 * row).astype(np.uint16),
    }
