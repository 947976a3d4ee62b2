"""The effective medium by hand, depths, and the loss of a minimum ionising particle."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.medium import depths_of, medium_of, most_probable_mev


def test_the_medium_of_a_stack_of_two_materials_by_hand() -> None:
    # hep-ex/0001020, section 3.1, for 1.4 mm of W and 0.3 mm of Si: 2.702 and 0.0699 g/cm2, shares
    # 0.97478 and 0.02522; 1 / X0 = 0.97478 / 6.76 + 0.02522 / 21.82; Ec of 8.000 and 36.73 MeV.
    medium = medium_of(read_stack("calochallenge"))
    assert medium.radiation_length == pytest.approx(6.8798, rel=1e-4)
    assert medium.critical_mev == pytest.approx(8.2285, rel=1e-3)
    assert medium.z == pytest.approx(72.487, rel=1e-4)
    assert medium.density == pytest.approx(16.305, rel=1e-4)
    assert medium.moliere_mm == pytest.approx(10.871, rel=1e-3)
    assert medium.sampling_frequency == pytest.approx(2.4820, rel=1e-4)
    assert medium.e_hat == pytest.approx(1 / 1.42, rel=1e-6)


def test_the_calorimeters_are_as_deep_as_published() -> None:
    # ILD: about 24 X0 in 30 layers (technical design); 1.4 W + 0.3 Si, 90 times: 36 X0.
    assert depths_of(read_stack("ild-ecal")).x0[-1] == pytest.approx(23.7, abs=0.5)
    assert depths_of(read_stack("calochallenge")).x0[-1] == pytest.approx(
        90 * (1.4 / 3.503 + 0.3 / 93.65), rel=1e-3
    )
    # 48 layers of 19 mm of iron: 5.4 interaction lengths, and 0.2 of scintillator.
    assert depths_of(read_stack("ahcal")).interaction[-1] == pytest.approx(
        48 * (19 / 167.8 + 3 / 770.8), rel=2e-3
    )


def test_the_share_that_a_plate_sees_by_hand() -> None:
    depths = depths_of(read_stack("ild-ecal"))
    # 0.525 mm of Si lose 0.2035 MeV, 2.1 mm of W 4.641, 4.2 mm 9.281, 1.2 mm of SiO2 0.473.
    assert depths.share[5] == pytest.approx(0.2035 / (0.2035 + 4.641), rel=1e-3)
    assert depths.share[4] == pytest.approx(0.2035 / (0.2035 + 4.641 + 0.473), rel=1e-3)
    assert depths.share[25] == pytest.approx(0.2035 / (0.2035 + 9.281), rel=1e-3)
    assert np.allclose(depths.z_mm, read_stack("ild-ecal").grid.depth_mm)


def test_the_most_probable_loss_in_silicon() -> None:
    plate = read_stack("calochallenge").sensitive[0]
    # 0.3 mm: 72 pairs of 3.62 eV per um, the usual number for sensors.
    assert most_probable_mev(plate) == pytest.approx(72 * 300 * 3.62e-6, rel=0.1)
    # 3 mm of plastic: half of a MIP is cut at 0.25 MeV in the AHCAL (arXiv:2112.09709).
    assert most_probable_mev(read_stack("ahcal").sensitive[0]) == pytest.approx(0.5, rel=0.1)
