"""Shares of slices on pads, against each pad looked up by itself."""

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit.response import Layer, Response, response_of
from zoo_ha_tpc.charge_fit.shares import shares_of
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import PadPlane

PHI = np.array([[0.8], [-0.4]])
DRIFT_BIN = np.array([3, 13])


@pytest.fixture(scope="module")
def response(plane: PadPlane) -> Response:
    layer = Layer(rc_ns_mm2=120.0, gain=1493.0, transverse_um_cm=310.0, peaking_ns=412.0)
    return response_of(layer, (plane.z.pitch_mm, plane.y.pitch_mm), plane.drift_mm)


def stretches_of(rows: np.ndarray, columns: np.ndarray, present: np.ndarray) -> Stretches:
    nothing = np.zeros(rows.shape)
    return Stretches(
        np.arange(len(rows)), np.zeros(2), np.ones(2), present, rows, columns, *[nothing] * 3
    )


def test_every_pad_by_itself(plane: PadPlane, response: Response) -> None:
    """Two stretches, at the border of modules and elsewhere, with unequal numbers of pads."""
    rng = np.random.default_rng(3)
    rows = np.stack([rng.integers(14, 20, 12), rng.integers(3, 6, 12)])
    columns = np.stack([rng.integers(33, 39, 12), rng.integers(0, 4, 12)])
    present = np.arange(12) < np.array([[12], [5]])
    rows, columns = np.where(present, rows, 0), np.where(present, columns, 0)
    along = np.arange(-40, 40, 2.5)
    z = plane.z_mm[[35, 2]][:, None] + along * np.cos(PHI)
    y = plane.y_mm[[16, 4]][:, None] + along * np.sin(PHI)
    module = Modules(plane).under(z.ravel(), y.ravel()).module.reshape(z.shape)
    phi = np.broadcast_to(PHI, z.shape)
    share, moved = shares_of(
        plane,
        response,
        stretches_of(rows, columns, present),
        DRIFT_BIN,
        z_mm=z,
        y_mm=y,
        phi=phi,
        module=module,
    )
    assert len(np.unique(module[0])) > 1
    modules = plane.z.pads // plane.z.pads_of_a_module
    for stretch, pad in np.ndindex(rows.shape):
        row, column = rows[stretch, pad], columns[stretch, pad]
        dz = (z[stretch] - plane.z_mm[column]) / plane.z.pitch_mm
        dy = (y[stretch] - plane.y_mm[row]) / plane.y.pitch_mm
        of_z, by_z = response.share(0, DRIFT_BIN[stretch], dz)
        of_y, by_y = response.share(1, DRIFT_BIN[stretch], dy)
        own = row // plane.y.pads_of_a_module * modules + column // plane.z.pads_of_a_module
        sees = ((module[stretch] == own) & present[stretch, pad])[:, None]
        along_y = of_z * by_y / plane.y.pitch_mm * np.cos(PHI[stretch])
        along_z = by_z * of_y / plane.z.pitch_mm * np.sin(PHI[stretch])
        np.testing.assert_allclose(share[stretch, pad], of_z * of_y * sees, rtol=2e-6)
        expected = (along_y - along_z) * sees
        np.testing.assert_allclose(moved[stretch, pad], expected, rtol=1e-5, atol=1e-7)


def test_pads_of_another_module_see_nothing(plane: PadPlane, response: Response) -> None:
    columns, rows = np.array([[34, 35, 36]] * 2), np.full((2, 3), 20)
    edge = plane.z_mm[35] + plane.z.pitch_mm / 2
    z = np.tile(edge + np.arange(-30, 60, 5.0), (2, 1))
    y = np.full(z.shape, plane.y_mm[20])
    module = Modules(plane).under(z.ravel(), y.ravel()).module.reshape(z.shape)
    share, _ = shares_of(
        plane,
        response,
        stretches_of(rows, columns, np.ones(rows.shape, bool)),
        DRIFT_BIN,
        z_mm=z,
        y_mm=y,
        phi=np.zeros(z.shape),
        module=module,
    )
    before, behind = z[0] < edge, z[0] > plane.z_mm[36] - plane.z.pitch_mm / 2
    assert (share[0, 1, before] > 0).any()
    assert not share[0, 2, before].any()
    assert (share[0, 2, behind] > 0).any()
    assert not share[0, 1, behind].any()
