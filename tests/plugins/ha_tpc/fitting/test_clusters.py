from types import ModuleType

import numpy as np
import pytest

from zoo_ha_tpc.fitting import fit_tracks
from zoo_ha_tpc.fitting.clusters import COLUMN, DIAGONAL, ROW
from zoo_ha_tpc.physics.pad_plane import PadPlane


def straight(m: ModuleType, degrees: list[float], z: float, y: float) -> object:
    number = len(degrees)
    phi = np.deg2rad(np.array(degrees))
    return m.Truth(np.full(number, z), np.full(number, y), phi, np.full(number, 0.01))


def quiet(m: ModuleType) -> object:
    return m.Charge(fluctuates=False, scatters=False, noise=0.0)


@pytest.mark.parametrize(
    ("degrees", "kind"), [(0, COLUMN), (-25, COLUMN), (45, DIAGONAL), (-45, DIAGONAL), (75, ROW)]
)
def test_clusters_lie_across_the_track(
    spread_charge: ModuleType, plane: PadPlane, degrees: float, kind: int
) -> None:
    start = straight(spread_charge, [degrees], 700.0, -300.0 if degrees >= 0 else 300.0)
    samples = spread_charge.samples(plane, start, quiet(spread_charge))
    clusters = fit_tracks(plane, samples).clusters
    assert (clusters.kind == kind).mean() > 0.95
    # An exact, straight track: it passes where the clusters say.
    phi = np.deg2rad(degrees)
    distance = (clusters.y_mm - start.y_mm) * np.cos(phi) - (clusters.z_mm - 700) * np.sin(phi)
    good = clusters.used & (clusters.error_mm < 1.5)
    pitch = (10.19, 11.28, 15.2)[kind]
    assert np.sqrt(np.mean(distance[good] ** 2)) < 0.08 * pitch  # without calibration


def test_no_cluster_spans_a_gap(spread_charge: ModuleType, plane: PadPlane) -> None:
    # Along the gap between the rows 31 and 32, 3 mm below its upper edge at y = 7.
    start = straight(spread_charge, [0.0], 0.5, 4.0)
    samples = spread_charge.samples(plane, start, quiet(spread_charge))
    clusters = fit_tracks(plane, samples).clusters
    lead, left = clusters.charges[:, 2], clusters.charges[:, [3, 4]]
    upper = clusters.y_mm > 0
    # Across the gap there is no pad: windows below it end at row 31, those above begin at row 32.
    assert upper.sum() == 144
    assert (clusters.charges[upper][:, :2] == 0).all()
    assert (left[~upper] == 0).all()
    assert (lead > 0).all()


def test_the_window_runs_from_the_right_of_the_track_to_its_left(
    spread_charge: ModuleType, plane: PadPlane
) -> None:
    # 2 mm above the centre of row 40: more charge in row 41, on the left of a track along +z.
    start = straight(spread_charge, [0.0], 400.0, plane.y_mm[40] + 2.0)
    samples = spread_charge.samples(plane, start, quiet(spread_charge))
    clusters = fit_tracks(plane, samples).clusters
    inner = slice(2, -2)
    assert (clusters.charges[inner, 3] > clusters.charges[inner, 1]).all()
    assert (clusters.offset[inner] > 0).all()
    assert np.median(clusters.y_mm[inner]) == pytest.approx(plane.y_mm[40] + 2.0, abs=0.3)


def test_charge_far_from_the_track_does_not_turn_it(
    spread_charge: ModuleType, plane: PadPlane
) -> None:
    truth = spread_charge.Truth(
        np.array([100.0, 900.0]), np.array([0.0, 250.0]), np.zeros(2), np.full(2, 0.5)
    )
    both = spread_charge.samples(plane, truth, spread_charge.Charge(), 3)
    alone = fit_tracks(plane, both.take([0]))
    from zoo.api import Ragged

    few = both["hit_column"][1] < 90  # a stub of the second track beside the first
    merged = both.take([0])
    for name in ("hit_row", "hit_column", "hit_charge"):
        joined = np.concatenate([both[name][0], both[name][1][few]])
        merged = merged.with_columns({name: Ragged.of([joined])})
    with_stub = fit_tracks(plane, merged)
    assert abs(with_stub.phi[0] - alone.phi[0]) < 1e-3
    assert abs(with_stub.q_over_pt[0] - alone.q_over_pt[0]) < 0.05
