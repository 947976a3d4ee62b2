"""Wire coordinates, crossings and constants of the detector."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.api import ConfigError
from zoo_dnn_roi.physics.geometry import Detector, Plane, protodune_hd


def test_default_is_one_face_of_protodune_hd() -> None:
    detector = protodune_hd()
    # LArSoft wire file of ProtoDUNE-HD: 400 wires of 4.6691 mm at 35.707 degrees, 480 of 4.792 mm.
    assert [plane.wires for plane in detector.planes] == [400, 400, 480]
    lengths = [plane.wires * plane.pitch_mm / plane.direction[0] for plane in detector.planes]
    # All planes cover the 2.3 m of an anode along z.
    np.testing.assert_allclose(lengths, 2300.0, atol=5.0)


def test_constants_of_the_readout() -> None:
    detector = protodune_hd()
    assert detector.adc_per_mv == pytest.approx(11.702142857, rel=1e-9)  # Wire-Cell's ADC_mV
    assert detector.mm_per_tick == pytest.approx(0.7825)  # 1.565 mm/us times 0.5 us


def test_a_step_of_one_pitch_across_the_wires_is_one_wire() -> None:
    plane = protodune_hd().planes[0]
    angle = np.deg2rad(35.707)
    y, z = 4.6691 * np.sin(angle), 4.6691 * np.cos(angle)
    middle, beside = plane.wire(np.array([0.0, y]), np.array([0.0, z]))
    assert middle == 200.0
    assert beside == pytest.approx(201.0)
    # Along the wire nothing changes.
    assert plane.wire(np.array([z]), np.array([-y]))[0] == pytest.approx(200.0)


@pytest.mark.parametrize(("first", "second", "target"), [(0, 1, 2), (0, 2, 1), (1, 2, 0)])
def test_crossings_agree_with_the_point_that_made_them(
    first: int, second: int, target: int
) -> None:
    detector = protodune_hd(wires=120, ticks=1000)
    rng = np.random.default_rng(1)
    y, z = rng.uniform(-200, 200, (2, 50))
    a, b, c = (detector.planes[index] for index in (first, second, target))
    np.testing.assert_allclose(detector.position(a, b, a.wire(y, z), b.wire(y, z)), (y, z))
    projected = detector.crossing(a, b, c).project(a.wire(y, z), b.wire(y, z))
    np.testing.assert_allclose(projected, c.wire(y, z))


def test_seen_is_the_rhombus_of_the_bands() -> None:
    detector = protodune_hd()
    half_band = 200 * 4.6691
    tip_z = half_band / np.cos(np.deg2rad(35.707))  # 1150 mm: at the edge of W, too
    tip_y = half_band / np.sin(np.deg2rad(35.707))
    inside = detector.seen(np.array([0.0, 0.99 * tip_y]), np.array([0.99 * tip_z, 0.0]))
    y, z = np.array([0.0, 1.01 * tip_y, 800.0]), np.array([1.01 * tip_z, 0.0, 800.0])
    assert inside.all()
    assert not detector.seen(y, z).any()


def test_errors_name_the_place() -> None:
    with pytest.raises(ConfigError, match="plane X"):
        Plane("X", 0, 4.0, 0.0, induction=True)
    with pytest.raises(ConfigError, match="ticks"):
        protodune_hd(ticks=0)
    with pytest.raises(ConfigError, match="transverse"):
        Detector(planes=protodune_hd().planes, transverse_cm2_s=-1.0)
    detector = protodune_hd(wires=10, ticks=10)
    with pytest.raises(ConfigError, match="choose one of U, V, W"):
        detector.index("Y")
    u = detector.planes[0]
    with pytest.raises(ConfigError, match="parallel"):
        detector.crossing(u, u, detector.planes[2])
    with pytest.raises(ConfigError, match="one name"):
        Detector(planes=(u, u, u))
