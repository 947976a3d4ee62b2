"""Simulated events: what a sample promises, whatever the settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.api import Table
from zoo_sparse_reco.physics.labels import GHOST, Pid, Semantic
from zoo_sparse_reco.physics.voxel_grid import grid_of
from zoo_sparse_reco.sources.events import Events
from zoo_sparse_reco.sources.events_config import EventsConfig
from zoo_sparse_reco.specs import SAMPLE

ALL = frozenset(SAMPLE)
KEYS = np.array([3, 141, 59, 2653], np.uint64)

SETTINGS: dict[str, dict[str, Any]] = {
    "small": {},
    "hip-mip": {"scheme": "hip-mip"},
    "ghosts": {"ghosts": {}},
    "charge": {
        "detector": {
            "recombination": "box",
            "lifetime_us": 2000.0,
            "longitudinal_cm2_us": 4e-6,
            "transverse_cm2_us": 8.8e-6,
            "energy_noise": 0.1,
            "scale_spread": 0.05,
        }
    },
    "pile-up": {"vertices": (6, 6), "rain": (0, 0), "energy_factor": 0.2},
    "uneven": {"size_mm": (300.0, 150.0, 450.0), "voxel_mm": 5.0},
}


def source(**settings: Any) -> Events:
    return Events(EventsConfig.model_validate({"preset": "small", **settings}))


@pytest.fixture(scope="module", params=list(SETTINGS))
def made(request: pytest.FixtureRequest) -> tuple[Events, Table]:
    events = source(**SETTINGS[request.param])
    return events, events.simulate(KEYS, ALL)


def equal(one: Table, other: Table) -> None:
    assert set(one) == set(other)
    for name in one:
        left, right = one[name], other[name]
        if name == "id":
            np.testing.assert_array_equal(left, right)
            continue
        np.testing.assert_array_equal(left.offsets, right.offsets, err_msg=name)
        np.testing.assert_array_equal(left.values, right.values, err_msg=name)


def test_fields_are_those_of_the_sample(made: tuple[Events, Table]) -> None:
    events, table = made
    missing = set() if events.config.ghosts is not None else {"plane_charge"}
    assert set(table) == (set(SAMPLE) | {"id"}) - missing
    for name, field in SAMPLE.items():
        if name in table:
            column = table[name]
            assert column.values.dtype == np.dtype(field.dtype), name
            assert column.values.shape[1:] == field.dims[1:], name
            assert len(column) == len(KEYS)
            if field.minimum is not None and len(column.values):
                assert column.values.min() >= field.minimum, name
            if field.maximum is not None and len(column.values):
                assert column.values.max() <= field.maximum, name


def test_voxels_are_different_in_order_and_in_the_grid(made: tuple[Events, Table]) -> None:
    events, table = made
    shape = grid_of(events.facts).shape
    assert table["deposit"].lengths.min() > 0
    for row in range(len(KEYS)):
        voxel = np.stack([table[f"voxel_{axis}"][row] for axis in "xyz"], axis=1).astype(int)
        number = (voxel[:, 0] * shape[1] + voxel[:, 1]) * shape[2] + voxel[:, 2]
        assert np.all(np.diff(number) > 0)
        assert np.all(voxel < shape)
    assert table["deposit"].values.min() > 0


def test_numbers_refer_to_what_there_is(made: tuple[Events, Table]) -> None:
    _, table = made
    for row in range(len(KEYS)):
        particle, group = table["particle"][row], table["voxel_group"][row]
        ids, groups = table["particle_id"][row], table["particle_group"][row]
        np.testing.assert_array_equal(ids, np.arange(len(ids)))
        own = particle >= 0
        assert set(particle[own].tolist()) <= set(ids.tolist())
        np.testing.assert_array_equal(group[own], groups[particle[own]])
        for name in ("interaction", "pid"):
            ours = table[name][row][own]
            np.testing.assert_array_equal(ours, table[f"particle_{name}"][row][particle[own]])
        for name in ("fragment", "voxel_group", "interaction", "pid"):
            assert np.all((table[name][row] >= 0) == own), name
        parent = table["particle_parent"][row]
        assert np.all(parent < ids)
        assert parent.min() >= -1
        assert np.all(groups <= ids)
        np.testing.assert_array_equal(groups[groups], groups)
        known = table["interaction_id"][row]
        assert set(table["particle_interaction"][row].tolist()) <= set(known.tolist())
        child = np.flatnonzero(parent >= 0)
        interaction = table["particle_interaction"][row]
        np.testing.assert_array_equal(interaction[child], interaction[parent[child]])


def test_fragments_are_pieces_of_one_particle(made: tuple[Events, Table]) -> None:
    _, table = made
    for row in range(len(KEYS)):
        fragment, particle = table["fragment"][row], table["particle"][row]
        for one in np.unique(fragment[fragment >= 0]):
            assert len(np.unique(particle[fragment == one])) == 1
            assert len(np.unique(table["semantic"][row][fragment == one])) == 1


def test_points_are_in_the_grid_and_of_particles(made: tuple[Events, Table]) -> None:
    events, table = made
    shape = np.array(grid_of(events.facts).shape)
    for row in range(len(KEYS)):
        place = np.stack([table[f"point_{axis}"][row] for axis in "xyz"], axis=1)
        assert np.all((place >= 0) & (place < shape))
        owner, is_end = table["point_particle"][row], table["point_end"][row]
        ids, classes = table["particle_id"][row], table["particle_semantic"][row]
        np.testing.assert_array_equal(np.sort(owner[is_end == 0]), ids)
        tracks = (0, 1) if events.config.scheme == "hip-mip" else (int(Semantic.TRACK),)
        ends = ids[np.isin(classes, tracks)]
        np.testing.assert_array_equal(np.sort(owner[is_end == 1]), ends)
        np.testing.assert_array_equal(table["point_semantic"][row], classes[owner])
        np.testing.assert_array_equal(
            place[is_end == 0], table["particle_start"][row][owner[is_end == 0]]
        )
        for name in ("particle_start", "particle_end", "interaction_vertex"):
            assert np.all((table[name][row] >= 0) & (table[name][row] < shape)), name


def test_primaries_start_at_their_vertex(made: tuple[Events, Table]) -> None:
    """Photons start where they convert; so do fragments."""
    _, table = made
    some = 0
    for row in range(len(KEYS)):
        vertex = table["interaction_vertex"][row][table["particle_interaction"][row]]
        primary = table["particle_primary"][row] == 1
        primary &= table["particle_pid"][row] > Pid.PHOTON
        track = primary & (table["particle_pid"][row] != Pid.ELECTRON)
        np.testing.assert_allclose(table["particle_start"][row][track], vertex[track], atol=1e-3)
        some += track.sum()
        assert np.all(table["particle_parent"][row][primary] == -1)
    assert some > 0


def test_momentum_is_that_of_the_energy(made: tuple[Events, Table]) -> None:
    _, table = made
    mass = np.array([0, 0.51099895, 105.6583755, 139.57039, 938.27209, 493.677])
    size = np.linalg.norm(table["particle_momentum"].values, axis=1)
    energy = table["particle_energy"].values
    # A fragment of an electron's shower began with a photon.
    pid = table["particle_pid"].values
    expected = np.sqrt(energy * (energy + 2 * mass[pid]))
    np.testing.assert_allclose(size, expected, rtol=1e-3, atol=0.55)


@pytest.mark.parametrize("name", ["small", "ghosts", "charge"])
def test_an_event_does_not_depend_on_its_company(name: str) -> None:
    events = source(**SETTINGS[name])
    together = events.simulate(KEYS, ALL)
    for row, key in enumerate(KEYS):
        equal(events.simulate(np.array([key], np.uint64), ALL), together.take([row]))
    backwards = events.simulate(KEYS[::-1], ALL).take([3, 2, 1, 0])
    equal(backwards, together)


def test_more_keys_than_at_once() -> None:
    events = source(energy_factor=0.05, rain=(1, 1), vertices=(0, 0))
    keys = np.arange(20, dtype=np.uint64)
    together = events.simulate(keys, ALL)
    equal(events.simulate(keys[17:], ALL), together.take([17, 18, 19]))


def test_only_fields_asked_for_and_the_same() -> None:
    events = source(ghosts={})
    whole = events.simulate(KEYS[:2], ALL)
    for fields in ({"deposit"}, {"semantic", "point_x"}, {"plane_charge", "particle_pid"}, set()):
        part = events.simulate(KEYS[:2], frozenset(fields))
        assert set(part) == fields | {"id"}
        equal(part, whole.select(sorted(fields)))


def test_other_keys_give_other_events() -> None:
    table = source().simulate(KEYS, ALL)
    assert len({tuple(table["deposit"][row].tolist()) for row in range(4)}) == 4
    assert len(set(table["id"].tolist())) == 4


def test_no_keys_and_no_particles() -> None:
    events = source()
    none = events.simulate(KEYS[:0], ALL)
    assert none.rows == 0
    empty = source(vertices=(0, 0), rain=(0, 0), ghosts={}).simulate(KEYS, ALL)
    assert empty["deposit"].lengths.tolist() == [0, 0, 0, 0]
    assert empty["point_x"].lengths.tolist() == [0, 0, 0, 0]
    assert empty["interaction_id"].lengths.tolist() == [0, 0, 0, 0]


def test_deposits_are_those_of_the_particles() -> None:
    """Voxels hold all that was deposited, but for those below the threshold."""
    events = source(threshold_mev=0.0)
    made, places, drawn = events.deposits(KEYS)
    table = events.simulate(KEYS, ALL)
    event = made.nodes.event[made.steps.owner]
    deposited = np.bincount(event, weights=made.steps.deposit, minlength=4)
    recorded = [table["deposit"][row].sum() for row in range(4)]
    np.testing.assert_allclose(recorded, deposited, rtol=1e-5)
    # What primaries have, with the mass of neutral pions, is deposited, leaves, or is unseen.
    energy = drawn.kinetic + np.where(drawn.kind == 7, 134.9768, 0.0)
    given = np.bincount(drawn.event, weights=energy, minlength=4)
    np.testing.assert_allclose(deposited + made.lost + made.unseen, given + made.freed)
    counts = [len(one) for one in places]
    assert table["interaction_id"].lengths.tolist() == counts
    cut = source(threshold_mev=0.05).simulate(KEYS, ALL)
    assert cut["deposit"].values.min() >= 0.05
    lost = 1 - cut["deposit"].values.sum() / table["deposit"].values.sum()
    assert 0 < lost < 0.02


def test_ghosts_have_no_particle() -> None:
    events = source(ghosts={})
    table, direct = events.simulate(KEYS, ALL), source().simulate(KEYS, ALL)
    ghost = table["semantic"].values == GHOST
    for name in ("fragment", "particle", "voxel_group", "interaction", "pid"):
        assert np.all(table[name].values[ghost] == -1), name
    # What is no ghost is a voxel of the same event, of the same class.
    for row in range(4):
        true = {
            tuple(place): kind
            for *place, kind in zip(
                *(direct[f"voxel_{axis}"][row].tolist() for axis in "xyz"),
                direct["semantic"][row].tolist(),
                strict=True,
            )
        }
        for *place, kind in zip(
            *(table[f"voxel_{axis}"][row].tolist() for axis in "xyz"),
            table["semantic"][row].tolist(),
            strict=True,
        ):
            assert true.get(tuple(place), GHOST) == kind
    least = table["plane_charge"].values.min(axis=1) / events.facts["electrons_per_mev"]
    np.testing.assert_allclose(table["deposit"].values, least, rtol=1e-5)


def test_share_of_ghosts_at_the_defaults() -> None:
    """60 to 85 %, as a wire chamber has (784 space points of 116 voxels in a public event)."""
    share = []
    for preset in ("small", "pilarnet"):
        events = Events(EventsConfig.model_validate({"preset": preset, "ghosts": {}}))
        table = events.simulate(np.arange(8, dtype=np.uint64), frozenset({"semantic"}))
        share.append((table["semantic"].values == GHOST).mean())
    assert all(0.6 < one < 0.85 for one in share), share


def test_class_mix_is_near_pilarnet_s() -> None:
    """PILArNet-M has 4,370 voxels an event: 37 % shower, 39 % track, 0.65 % Michel, 1.8 % delta,
    22 % low-energy (counts of PoLAr-MAE). Ours have fewer of low energy."""
    events = Events(EventsConfig())
    table = events.simulate(np.arange(32, dtype=np.uint64), frozenset({"semantic"}))
    classes = table["semantic"].values
    share = np.bincount(classes, minlength=5) / len(classes)
    assert table["semantic"].lengths.mean() == pytest.approx(4370, rel=0.2)
    assert share[0] == pytest.approx(0.37, abs=0.08)
    assert share[1] == pytest.approx(0.39, abs=0.08)
    assert 0.003 < share[2] < 0.013
    assert 0.010 < share[3] < 0.027
    assert 0.12 < share[4] < 0.25


def test_showers_have_fragments() -> None:
    """2 to 20 of a shower of some 100 MeV; the first is its own group's number."""
    others = ("muon", "photon", "pion", "neutral_pion", "proton", "kaon")
    kinds = {name: {"weight": 0.0} for name in others}
    electrons = {"particles": (1, 1), "electron": {"energy_mev": (300, 800)}, **kinds}
    events = Events(
        EventsConfig.model_validate(
            {"vertices": (0, 0), "rain": (1, 1), "rain_particle": electrons}
        )
    )
    table = events.simulate(np.arange(24, dtype=np.uint64), ALL)
    counts = [(table["particle_group"][row] == 0).sum() for row in range(24)]
    assert 2 <= np.median(counts) <= 20
    assert np.mean(np.array(counts) >= 2) > 0.6
    first = np.array([table["particle_start"][row][0] for row in range(24)])
    vertex = np.array([table["interaction_vertex"][row][0] for row in range(24)])
    np.testing.assert_allclose(first, vertex, atol=1e-3)
    assert np.all(table["particle_pid"].values == Pid.ELECTRON)


def test_schemes_differ_in_names_alone() -> None:
    spine, other = (source(scheme=name).simulate(KEYS, ALL) for name in ("spine", "hip-mip"))
    old, new = spine["semantic"].values, other["semantic"].values
    pairs = {tuple(pair) for pair in np.stack([old, new], axis=1).tolist()}
    # shower, low-energy -> 2 (protons of one voxel: 0); track -> 0 or 1; delta -> 3; Michel -> 4.
    assert pairs <= {(0, 2), (1, 0), (1, 1), (2, 4), (3, 3), (4, 2), (4, 0)}
    proton = spine["pid"].values == Pid.PROTON
    assert np.all(new[proton] == 0)
    np.testing.assert_array_equal(spine["deposit"].values, other["deposit"].values)


@pytest.mark.parametrize("name", list(Events.variations))
def test_variations_change_the_voxels_alone(name: str) -> None:
    """The particles at the vertices stay, and the deposits or voxels do not."""
    nominal = source().simulate(KEYS, ALL)
    changed = source(**Events.variations[name]).simulate(KEYS, ALL)
    same = "voxel" not in name
    factor = 1.0 if same else 4.0 / 3.0
    vertex = changed["interaction_vertex"].values * factor
    np.testing.assert_allclose(vertex, nominal["interaction_vertex"].values, rtol=1e-5)
    one, other = nominal["deposit"], changed["deposit"]
    assert len(one.values) != len(other.values) or not np.allclose(one.values, other.values)


def test_recombination_hides_more_of_protons() -> None:
    ratio = {}
    plain = source(threshold_mev=0.0).simulate(KEYS, ALL)
    for model in ("birks", "box"):
        settings = {"threshold_mev": 0.0, "detector": {"recombination": model}}
        seen = source(**settings).simulate(KEYS, ALL)
        np.testing.assert_array_equal(seen["voxel_x"].values, plain["voxel_x"].values)
        for pid in (Pid.MUON, Pid.PROTON):
            own = plain["pid"].values == pid
            ratio[model, pid] = (
                seen["deposit"].values[own].sum() / plain["deposit"].values[own].sum()
            )
        assert ratio[model, Pid.PROTON] < 0.85 * ratio[model, Pid.MUON]


def test_points_are_beside_voxels_of_their_particle() -> None:
    """Delta rays start within the voxels of their parents, a little further off."""
    table = source().simulate(np.arange(12, dtype=np.uint64), ALL)
    far: dict[int, list[float]] = {}
    for row in range(12):
        voxel = np.stack([table[f"voxel_{axis}"][row] for axis in "xyz"], axis=1) + 0.5
        place = np.stack([table[f"point_{axis}"][row] for axis in "xyz"], axis=1)
        owners, classes = table["point_particle"][row], table["point_semantic"][row]
        for point, owner, kind in zip(place, owners, classes.tolist(), strict=True):
            own = voxel[table["particle"][row] == owner]
            far.setdefault(kind, []).append(float(np.abs(own - point).max(axis=1).min()))
    for kind in (Semantic.SHOWER, Semantic.TRACK, Semantic.MICHEL):
        assert len(far[kind]) >= 3
        assert np.mean(np.array(far[kind]) < 1.5) > 0.9, kind
