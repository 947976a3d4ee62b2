"""The box of argon: its expectation against hand values, its counts against Poisson."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import DataError
from zoo_optics.physics.detector import detector_of
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox, load_gaisser_hillas
from zoo_optics.specs import SAMPLE, WINDOWS

ALL = frozenset(SAMPLE) - WINDOWS - {"hit_sensor", "hit_time", "alive"}
KEYS = np.arange(5, 13, dtype=np.uint64)


def box(**settings: Any) -> LarBox:
    return LarBox(LarBoxConfig.model_validate(settings))


def test_an_event_is_its_key_alone() -> None:
    table, order = box().simulate(KEYS, ALL), [3, 0, 7]
    again = box().simulate(KEYS[order], ALL)
    for name in table:
        np.testing.assert_array_equal(table[name][order], again[name])


def test_sensors_stand_evenly_behind_the_far_wall() -> None:
    detector = detector_of(box().facts)
    assert len(detector.sensors) == 60
    assert (detector.sensors.position_cm[:, 0] == 213).all()
    # Six over 400 cm and ten over 500 cm, half a pitch from the edges.
    np.testing.assert_allclose(
        np.unique(detector.sensors.position_cm[:, 1]),
        [-500 / 3, -100, -100 / 3, 100 / 3, 100, 500 / 3],
    )
    np.testing.assert_allclose(
        np.unique(detector.sensors.position_cm[:, 2]), np.arange(25, 500, 50)
    )


def test_the_direct_light_of_a_point_before_a_sensor() -> None:
    """By hand: a dome of 10.16 cm at 100 cm, 2 pi (1 - sqrt(1 - 0.1016^2)) / 4 pi, exp(-0.05)."""
    one = box(rows=1, columns=1, efficiency=0.5)
    seen = one.visibility(np.array([[113.0, 0.0, 250.0]]))
    by_hand = 0.5 * (1 - np.sqrt(1 - 0.1016**2)) / 2 * np.exp(-100 / 2000)
    assert seen.item() == pytest.approx(by_hand, rel=1e-12)


def test_counts_are_poisson_about_what_is_expected() -> None:
    table = box(photons=[100_000, 100_000]).simulate(np.arange(300, dtype=np.uint64), ALL)
    mean, charge = (table[name].astype(np.float64) for name in ("expected", "charge"))
    pull = (charge - mean) / np.sqrt(mean)
    assert pull.mean() == pytest.approx(0, abs=4 / np.sqrt(pull.size))
    # Var(pull^2) of a Poisson mean m is 2 + 1/m.
    error = np.sqrt((2 + 1 / mean).mean() / pull.size)
    assert (pull**2).mean() == pytest.approx(1, abs=4 * error)
    np.testing.assert_array_equal(charge, charge.round())


def test_bars_hide_their_share_of_the_light() -> None:
    rng = np.random.default_rng(1)
    open_box, barred = box(), box(shadow=0.3, shadow_pitch_cm=7.0)
    points = open_box.detector.volume.points(rng.random((2000, 3)), 20)
    whole, left = open_box.visibility(points), barred.visibility(points)
    free = left / whole
    assert free.min() >= 0
    assert free.max() <= 1
    assert free.mean() == pytest.approx(0.7, abs=0.01)
    assert free.std() > 0.05  # stripes, not a grey filter


@pytest.mark.realdata
def test_scattering_comes_from_a_file(real_data: Path) -> None:
    path = real_data / "optics/lar_semianalytic/sbnd_pmt_semianalytic_transcribed.json"
    scattered = box(parameters=str(path))
    point = np.array([[100.0, 10.0, 240.0]])
    ratio = scattered.visibility(point) / box().visibility(point)
    assert ((ratio > 0.1) & (ratio < 10)).all()
    assert ratio.std() > 0.01
    assert scattered.facts["scattering"]["name"] == path.name
    assert len(scattered.facts["scattering"]["sha256"]) == 64
    assert box().facts["scattering"] == {"name": "none", "sha256": ""}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no Gaisser-Hillas parameters of kind dome"),
        ("no json", "no Gaisser-Hillas parameters of kind dome"),
        ('{"GH_PARS_flat": [[1]]}', "no Gaisser-Hillas parameters of kind dome"),
        (
            '{"GH_PARS_dome": [[1], [2]], "border_angles_deg": [5], "GH_border_dome_norm": [0]}',
            r"a table of shape \(2, 1\), not 4 rows",
        ),
    ],
)
def test_bad_parameters_are_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "parameters.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_gaisser_hillas(path, "dome")


@pytest.mark.parametrize("name", sorted(LarBox.variations))
def test_variations_dim_the_light(name: str) -> None:
    varied = box(**LarBox.variations[name])
    points = varied.detector.volume.points(np.random.default_rng(2).random((100, 3)))
    whole, changed = box().visibility(points), varied.visibility(points)
    if name == "yields-10%":  # brighter and dimmer sensors
        np.testing.assert_allclose(np.log(changed / whole).mean(), 0, atol=1e-12)
    else:
        assert changed.sum() < whole.sum()


def test_bad_settings_are_refused() -> None:
    for settings in (
        {"photons": [10, 5]},
        {"low_cm": [0, 0, 0], "high_cm": [8, 100, 100]},
        {"rows": 0},
    ):
        with pytest.raises(ValidationError):
            box(**settings)
