"""The published values that reports of the HA-TPC show."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

from zoo.report.published import PublishedValue


def values() -> list[PublishedValue]:
    text = (files("zoo_ha_tpc") / "published.toml").read_text(encoding="utf-8")
    return [PublishedValue.model_validate(value) for value in tomllib.loads(text)["value"]]


def test_they_are_those_of_the_talk() -> None:
    minutes = {v.model: v.value for v in values() if v.number == "training time"}
    assert {model: value.split(" min")[0] for model, value in minutes.items()} == {
        "ResNet50, p_z": "19.8",
        "ResNet50, p_y and p_z": "23.5",
        "ResNet50, z_ini": "18.3 to 25.7",
        "ResNet50, sin(phi)": "15.2",
    }
    assert len({value.source for value in values()}) == 1


def test_rates_follow_from_sizes_and_times() -> None:
    # Of 75,845 tracks 70 % were for training and 15 % for the test.
    for number, share, seconds in (
        ("training rate", 0.70, 19.8 * 60),
        ("prediction rate", 0.15, 47.7),
    ):
        (value,) = (v.value for v in values() if v.number == number)
        rate, tracks = re.fullmatch(r"(\d+) tracks/s \(([\d,]+) tracks in .*\)", value).groups()  # type: ignore[union-attr]
        assert abs(int(tracks.replace(",", "")) - share * 75_845) < 1
        assert abs(int(rate) - share * 75_845 / seconds) < 0.5
