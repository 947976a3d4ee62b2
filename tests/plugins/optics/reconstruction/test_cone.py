"""Light of a cone against closed forms, drawn points and photons that are followed one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo_optics.physics.detector import Cylinder, Detector, Sensors
from zoo_optics.physics.emission import emitted
from zoo_optics.physics.transport import Photons
from zoo_optics.reconstruction.cone import (
    Lighting,
    cosine_width,
    direction_of,
    exit_cm,
    lighting,
)
from zoo_optics.reconstruction.fit_track import frame_of
from zoo_optics.reconstruction.light import Light
from zoo_optics.reconstruction.track import TrackHypothesis
from zoo_optics.sources.cherenkov import Cherenkov

CONE = np.deg2rad(41.4)
ALONG_Z = np.array([[0.0, 0.0, 1.0]])


def _lit(detector: Detector, start: list[float], length: float = 100.0) -> Lighting:
    return lighting(
        detector,
        np.array([start]),
        ALONG_Z,
        cone=np.array([CONE]),
        length_cm=np.array([length]),
        blur=1e-4,
    )


def test_the_wall_around_a_track_sees_all_of_its_light() -> None:
    """On the axis of a tube of radius R, N / (2 pi R L) photons fall on each cm2 of the ring."""
    radius, reach = 150.0, 150 / np.tan(CONE)
    tank = Cylinder(radius, 500.0)
    z = np.array([-100 + reach - 5, -100 + reach + 50, -100 + reach + 105])  # before, in, behind
    position = np.stack([np.full(3, radius), np.zeros(3), z], axis=1)
    inward = np.tile([-1.0, 0, 0], (3, 1))
    lit = _lit(Detector(Sensors(position, inward, 0.5), tank), [0.0, 0.0, -100.0])
    way = np.linalg.norm(position - lit.place_cm[0], axis=1)
    # A sensor of area A sees A sin(theta) / (4 pi d^2) of isotropic light.
    per_cm2 = lit.emission[0] * np.sin(CONE) / (4 * np.pi * way**2)
    assert per_cm2 == pytest.approx([0, 1 / (2 * np.pi * radius * 100), 0], rel=1e-6)
    assert lit.along_cm[0, 1] == pytest.approx(50)
    assert way[1] == pytest.approx(radius / np.sin(CONE))
    assert lit.axis_cm[0, 1] == pytest.approx(np.hypot(radius, max(z[1], 0)), rel=0.3)


@pytest.mark.parametrize("aside", [0.0, 60.0])
def test_the_edge_is_as_wide_as_the_sensor(aside: float) -> None:
    """Cosines between the track and points drawn on a disc."""
    rng, radius, count = np.random.default_rng(4), 4.0, 200_000
    r, phi = radius * np.sqrt(rng.random(count)), 2 * np.pi * rng.random(count)
    centre, normal = np.array([150.0, aside, 170.0]), np.array([-1.0, 0.0, 0.0])
    points = centre + np.stack([np.zeros(count), r * np.cos(phi), r * np.sin(phi)], axis=1)
    drawn = (points[:, 2] / np.linalg.norm(points, axis=1)).std()
    distance = np.linalg.norm(centre)
    toward = centre / distance
    width = cosine_width(
        np.array([radius / distance]), toward[2:], (toward @ normal)[None], normal[2:]
    )
    assert width[0] == pytest.approx(drawn, rel=0.01)


def test_directions() -> None:
    axis = np.array([0.6, 0.0, -0.8])
    frame = frame_of(axis)
    assert frame @ frame.T == pytest.approx(np.eye(3), abs=1e-12)
    found = direction_of(frame, np.array([[0.0, 0.0], [0.01, 0.0], [0.0, 0.02], [1.0, -0.5]]))
    assert found[0] == pytest.approx(axis)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    assert np.arccos(found[1:3] @ axis) == pytest.approx([0.01, 0.02])


def test_the_way_to_the_wall(source: Callable[..., Cherenkov]) -> None:
    detector, rng = source().detector, np.random.default_rng(6)
    start = detector.volume.points(rng.random((50, 3)))
    way = rng.standard_normal((50, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    length = exit_cm(detector, start, way)[:, None]
    assert detector.volume.holds(start + way * (length - 1e-6)).all()
    assert not detector.volume.holds(start + way * (length + 1e-6)).any()


TRACKS = [
    ([-50.0, 20.0, -60.0], [0.7, -0.3, 0.6]),
    ([80.0, 40.0, 90.0], [-0.9, -0.2, -0.4]),
    ([90.0, 0.0, 0.0], [0.8, 0.5, 0.1]),  # leaves the tank
]


@pytest.mark.parametrize(("start", "way"), TRACKS)
def test_direct_light_is_that_of_the_transport(
    source: Callable[..., Cherenkov], start: list[float], way: list[float]
) -> None:
    """Charges of photons that went straight, to 8 % over groups of sensors; not too near ones."""
    made = source(emission="track", dark_khz=0.0, rayleigh_factor=0.1)
    axis = np.array(way) / np.linalg.norm(way)
    rng, count = np.random.default_rng(3), 200_000
    place, direction, delay = emitted(made.config, np.array(start), axis, count, rng)
    inside = made.detector.volume.holds(place)
    hits = made._transport.run(
        Photons(
            place[inside],
            direction[inside],
            delay[inside],
            np.full(int(inside.sum()), 400.0),
            np.zeros(int(inside.sum()), dtype=np.int64),
        ),
        rng,
    )
    light = Light(None, made.facts)  # type: ignore[arg-type]  # direct light asks no model
    track = TrackHypothesis(light=light, frame=frame_of(axis), cone_rad=CONE, length_cm=100.0)
    places = np.array([[*start, 0.0, 0.0, CONE, np.log(100.0)]])
    expected = count * track.direct(places)[0]
    counts = np.bincount(hits.sensor[hits.direct], minlength=498).astype(float)
    lamp = track._lamp(places, axis[None])
    far = lamp.axis_cm[0] > 20
    assert counts[far].sum() == pytest.approx(expected[far].sum(), rel=0.02)
    order = np.argsort(-expected * far)
    groups = np.add.reduceat(np.stack([counts, expected])[:, order], range(0, 200, 10), axis=1)
    bright = groups[:, groups[1] > 50]
    pulls = (bright[0] - bright[1]) / np.hypot(np.sqrt(bright[1]), 0.08 * bright[1])
    assert np.sqrt((pulls**2).mean()) < 1.5
    lit = expected > 3
    assert counts[~lit & far].sum() < 0.02 * counts.sum()
