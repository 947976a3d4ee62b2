"""The simulator against Geant4: events of edep-sim that larnd-sim comes with.

The sample has 100 events of several interactions in a volume of 61 x 124 x 62 cm: its particles
leave more often than they stop. Stopping ones are chosen here by where they end and by what they
leave in the last half centimetre.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo_sparse_reco.physics.connected import VoxelKeys, pieces_together
from zoo_sparse_reco.physics.deposits import Pieces
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.voxel_sums import summed
from zoo_sparse_reco.sources.events import Events
from zoo_sparse_reco.sources.events_config import EventsConfig

pytestmark = pytest.mark.realdata

Array = NDArray[Any]
FILE = "sparse-reco/larndsim/edepsim_mixed_sample.h5"
SIZE = (609.0, 1242.0, 621.0)  # mm
LOW = np.array([-30.45, -83.9, -31.05])  # cm, its lower corner
EDGES = {
    Pid.MUON: np.array([0, 0.5, 1, 2, 5, 10, 20]),
    Pid.PROTON: np.array([0, 0.5, 1, 2, 5, 10, 20]),
}
LEAST_AT_END = {Pid.MUON: 5.0, Pid.PROTON: 12.0}  # MeV in the last half centimetre

# Particles that make a sample like it, for its generator's settings are not public: pions, muons
# and protons of up to some hundred MeV.
LIKE_IT: dict[str, Any] = {
    "size_mm": SIZE,
    "vertices": (2, 2),
    "rain": (0, 0),
    "vertex": {
        "particles": (5, 8),
        "muon": {"weight": 1.5, "most": 9, "energy_mev": (30, 1000)},
        "pion": {"weight": 3.0, "most": 9, "energy_mev": (30, 500)},
        "proton": {"weight": 2.0, "most": 9, "energy_mev": (20, 400)},
        "neutral_pion": {"weight": 0.7, "most": 3, "energy_mev": (20, 600)},
        "electron": {"weight": 0.0},
        "photon": {"weight": 0.0},
        "kaon": {"weight": 0.0},
    },
}


@pytest.fixture(scope="module")
def segments(real_data: Path) -> Array:
    path = real_data / FILE
    if not path.is_file():
        pytest.skip(f"{FILE} is absent from the real data folder")
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        found: Array = file["segments"][:]
    return found


def loss_by_range(length: Array, energy: Array, edges: Array) -> Array:
    """Energy over length in bins of the residual range, of one track; NaN where it is too short."""
    far = np.cumsum(length[::-1])[::-1]
    near = far - length
    share = np.minimum(far[:, None], edges[1:]) - np.maximum(near[:, None], edges[:-1])
    share = np.maximum(share, 0)
    inside = share.sum(axis=0)
    rate = energy / np.maximum(length, 1e-9)
    full = inside > 0.8 * np.diff(edges)
    return np.where(full, (share * rate[:, None]).sum(axis=0) / np.maximum(inside, 1e-9), np.nan)


def geant4_losses(segments: Array, pid: Pid) -> Array:
    """Of tracks that stop in the sample, (tracks, bins)."""
    pdg = {Pid.MUON: 13, Pid.PROTON: 2212}[pid]
    some = segments[np.abs(segments["pdgId"]) == pdg]
    key = some["eventID"].astype(np.int64) * 100_000 + some["trackID"]
    rows = []
    for one in np.unique(key):
        track = some[key == one]
        track = track[np.argsort(track["t_start"], kind="stable")]
        length, energy = track["dx"].astype(float), track["dE"].astype(float)
        end = np.array([track[f"{axis}_end"][-1] for axis in "xyz"]) - LOW
        if length.sum() < 3 or np.any(end < 1) or np.any(end > np.array(SIZE) / 10 - 1):
            continue
        rows.append(loss_by_range(length, energy, EDGES[pid]))
    found = np.array(rows)
    return found[found[:, 0] * 0.5 > LEAST_AT_END[pid]]


def our_losses(shot: Callable[..., Any], pid: Pid, kinetic: float, count: int) -> Array:
    made = shot(pid, kinetic, count, charge=1)
    rows = []
    for owner in range(count):
        own = made.steps.take(made.steps.owner == owner)
        rows.append(loss_by_range(own.length, own.deposit, EDGES[pid]))
    found = np.array(rows)
    return found[found[:, 0] * 0.5 > LEAST_AT_END[pid]]


@pytest.mark.parametrize(("pid", "kinetic"), [(Pid.MUON, 90.0), (Pid.PROTON, 200.0)])
def test_loss_against_residual_range(
    segments: Array, shot: Callable[..., Any], pid: Pid, kinetic: float
) -> None:
    """Medians over tracks; delta rays are tracks of their own in both."""
    theirs, ours = geant4_losses(segments, pid), our_losses(shot, pid, kinetic, 60)
    assert len(theirs) >= 10
    median = np.nanmedian(theirs, axis=0)
    np.testing.assert_allclose(np.nanmedian(ours, axis=0), median, rtol=0.06)


def test_energy_of_voxels(segments: Array) -> None:
    """Percentiles of voxels of 3 mm above 0.05 MeV, and how many there are by the particle that
    left most: electrons and photons, muons, pions, all else."""
    pieces, event = in_voxels(segments)
    keys = VoxelKeys((204, 415, 208))
    sums = summed(pieces, event, keys, 4, 0.05)
    table = Events(EventsConfig.model_validate(LIKE_IT)).simulate(
        np.arange(24, dtype=np.uint64), frozenset({"deposit", "pid", "semantic", "voxel_x"})
    )
    at = [5, 25, 50, 75, 95, 99]
    theirs, ours = np.percentile(sums.deposit, at), np.percentile(table["deposit"].values, at)
    np.testing.assert_allclose(ours, theirs, rtol=0.2)
    assert table["deposit"].lengths.mean() == pytest.approx(len(sums.key) / 100, rel=0.25)


def test_isolated_deposits(segments: Array) -> None:
    """Groups of fewer than ten voxels that touch no others: photons and neutrons leave them. Ours
    are fewer."""
    pieces, event = in_voxels(segments)
    keys = VoxelKeys((204, 415, 208))
    theirs = isolated(summed(pieces, event, keys, 4, 0.05).key, keys)
    events = Events(EventsConfig.model_validate(LIKE_IT))
    table = events.simulate(
        np.arange(24, dtype=np.uint64), frozenset({"voxel_x", "voxel_y", "voxel_z"})
    )
    own = VoxelKeys(events.grid.shape)
    voxel = np.stack([table[f"voxel_{axis}"].values for axis in "xyz"], axis=1).astype(np.int64)
    number = np.repeat(np.arange(24), table["voxel_x"].lengths)
    ours = isolated(own.of(number, voxel), own)
    assert 0.09 < theirs < 0.13
    assert 0.5 * theirs < ours < theirs


def in_voxels(segments: Array) -> tuple[Pieces, Array]:
    """Segments as points half a millimetre apart, by the kind of their particle."""
    number = np.maximum(np.ceil(segments["dx"] / 0.05), 1).astype(np.int64)
    row = np.repeat(np.arange(len(segments)), number)
    before = np.repeat(np.cumsum(number) - number, number)
    part = ((np.arange(len(row)) - before + 0.5) / number[row])[:, None]
    start, end = (
        np.stack([segments[f"{axis}_{side}"] for axis in "xyz"], axis=1).astype(float)
        for side in ("start", "end")
    )
    voxel = np.floor((start[row] + part * (end - start)[row] - LOW) / 0.3).astype(np.int64)
    pdg = np.abs(segments["pdgId"])
    kind = np.select([np.isin(pdg, (11, 22)), pdg == 13, pdg == 211], [0, 1, 2], 3)
    energy = (segments["dE"] / number)[row].astype(float)
    return Pieces(kind[row], voxel, energy), segments["eventID"].astype(np.int64)[row]


def isolated(key: Array, keys: VoxelKeys) -> float:
    """Share of voxels in connected groups of fewer than ten."""
    piece = pieces_together(key, np.zeros(len(key), np.int64), keys)
    return float((np.bincount(piece)[piece] < 10).mean())
