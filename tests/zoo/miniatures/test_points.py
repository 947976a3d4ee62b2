"""mini-points: neighbour tables, mirrored events, counts of two heads, metrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.api import Ragged, Table
from zoo.engine.context import step_context
from zoo.engine.tensors import to_tensors
from zoo_miniatures.points.baselines import Density, NearestVoxel
from zoo_miniatures.points.codec import PointsCodec, centres
from zoo_miniatures.points.config import DensityConfig, EventsConfig, NeighbourNetConfig
from zoo_miniatures.points.learner import TwoHeads
from zoo_miniatures.points.metrics import PointsMetrics
from zoo_miniatures.points.models import networks
from zoo_miniatures.points.neighbours import cross, cube, neighbour_table
from zoo_miniatures.points.sources import Events

FIELDS = frozenset({"voxels", "charge", "label", "particle", "vertex"})
SIMULATOR = Events(EventsConfig())
KEYS = np.arange(30, dtype=np.uint64)
CPU = torch.device("cpu")


@pytest.mark.parametrize("offsets", [cross, cube], ids=["cross", "cube"])
def test_neighbour_table_against_a_search(offsets: np.ndarray[tuple[int, int], np.dtype[np.int64]]):
    voxels = SIMULATOR.simulate(KEYS[:4], frozenset({"voxels"}))["voxels"]
    table = neighbour_table(voxels, offsets)
    rows = {
        (event, *voxel): voxels.offsets[event] + row
        for event in range(4)
        for row, voxel in enumerate(voxels[event].tolist())
    }
    for event in range(4):
        for row, voxel in enumerate(voxels[event]):
            expected = [rows.get((event, *(voxel + o).tolist()), len(table)) for o in offsets]
            assert table[voxels.offsets[event] + row].tolist() == expected


def test_events_hold_unique_voxels_of_tracks_and_a_shower():
    samples = SIMULATOR.simulate(KEYS, FIELDS)
    for row in range(samples.rows):
        voxels = samples["voxels"][row]
        assert len(np.unique(voxels, axis=0)) == len(voxels)
        assert set(np.unique(samples["label"][row])) == {0, 1}
    # Three particles of ten MIP each; what leaves the volume and the noise are small.
    total = np.array([samples["charge"][row].sum() for row in range(samples.rows)])
    assert total.mean() == pytest.approx(30.0, rel=0.1)


def test_a_mirrored_event_keeps_its_geometry():
    samples = SIMULATOR.simulate(KEYS, FIELDS)
    codec = PointsCodec(NeighbourNetConfig(), SIMULATOR.facts, {})
    mirrored = codec.augment(samples, np.arange(30, dtype=np.uint64))
    plain, changed = codec.encode(samples), codec.encode(mirrored)
    np.testing.assert_allclose(
        np.abs(changed.targets["offset"]), np.abs(plain.targets["offset"]), atol=1e-4
    )
    np.testing.assert_array_equal(  # key 7 mirrors all axes, key 0 none
        np.sign(changed.targets["offset"][samples["voxels"].offsets[7] :][:5]),
        -np.sign(plain.targets["offset"][samples["voxels"].offsets[7] :][:5]),
    )
    np.testing.assert_array_equal(mirrored["voxels"][0], samples["voxels"][0])
    count = len(plain.inputs["table"])
    np.testing.assert_array_equal(
        (changed.inputs["table"] < count).sum(1), (plain.inputs["table"] < count).sum(1)
    )


def test_the_heads_have_their_own_counts():
    samples = SIMULATOR.simulate(KEYS[:6], FIELDS)
    config = NeighbourNetConfig(reach=4.0)
    batch = PointsCodec(config, SIMULATOR.facts, {}).encode(samples)
    tensors = to_tensors(batch, CPU)
    loss = TwoHeads(config, {}).loss(
        networks(config, {}), tensors, step_context(0, 0, "net", samples.ids, CPU)
    )
    near = sum(
        int((np.linalg.norm(v + 0.5 - samples["vertex"][row], axis=1) < 4.0).sum())
        for row, v in enumerate(samples["voxels"][i] for i in range(6))
    )
    assert loss.terms["semantic"].count == len(samples["voxels"].values)
    assert loss.terms["vertex"].count == near
    assert 0 < near < len(samples["voxels"].values)


def test_votes_of_a_perfect_network_give_the_vertex():
    samples = SIMULATOR.simulate(KEYS, FIELDS)
    codec = PointsCodec(NeighbourNetConfig(), SIMULATOR.facts, {})
    targets = codec.encode(samples).targets
    votes = np.concatenate([targets["offset"], np.zeros((len(targets["label"]), 1))], 1)
    made = codec.decode((20 * targets["label"] - 10, votes), samples)
    np.testing.assert_allclose(made["vertex"], samples["vertex"], atol=1e-4)
    np.testing.assert_array_equal(made["label"].values, samples["label"].values)


def test_metrics_by_hand():
    ragged = Ragged(np.array([0, 0, 1, 1, 1], np.int32), np.array([0, 3, 5]))
    found = Ragged(np.array([0, 1, 1, 1, 0], np.int32), np.array([0, 3, 5]))
    ids = np.arange(2, dtype=np.uint64)
    samples = Table({"id": ids, "label": ragged, "vertex": np.zeros((2, 3), np.float32)})
    moved = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
    metrics = PointsMetrics({})
    rows = metrics.measure(samples, Table({"id": ids, "label": found, "vertex": moved}))
    numbers = {n.name: n.value for n in metrics.summarise(rows)}
    assert numbers == {
        "accuracy": pytest.approx(60.0),  # 3 of 5
        "track recall": pytest.approx(50.0),  # 1 of 2
        "shower recall": pytest.approx(100 * 2 / 3),
        "vertex distance": pytest.approx(2.5),  # median of 5 and 0
    }


def test_the_oracle_errs_by_half_a_voxel_and_the_baseline_fits_a_threshold():
    samples = SIMULATOR.simulate(KEYS, FIELDS)
    oracle = NearestVoxel(DensityConfig(), {}).predict(samples)
    nearest = np.linalg.norm(oracle["vertex"] - samples["vertex"], axis=1)
    # Nearest centre if the vertex' own voxel is occupied: at most sqrt(3)/2 away.
    assert np.median(nearest) < 3**0.5 / 2
    baseline = Density(DensityConfig(neighbours=59), {})
    before = (baseline.predict(samples)["label"].values == samples["label"].values).mean()
    baseline.fit([samples])
    after = (baseline.predict(samples)["label"].values == samples["label"].values).mean()
    assert after > max(before, 0.65)
    assert centres(samples["voxels"]).dtype == np.float64
