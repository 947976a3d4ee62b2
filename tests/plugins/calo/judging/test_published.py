"""The published values that reports of calo show."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from zoo.report.published import PublishedValue


def values() -> list[PublishedValue]:
    text = (files("zoo_calo") / "published.toml").read_text(encoding="utf-8")
    return [PublishedValue.model_validate(value) for value in tomllib.loads(text)["value"]]


def measures(sample: str) -> dict[str, list[float]]:
    """KPD, FPD and both AUC by model."""
    return {
        v.model: [float(part) for part in v.value.split(", ")]
        for v in values()
        if sample in v.sample and v.number.startswith("KPD")
    }


def test_each_stands_once_and_names_its_sample() -> None:
    found = [(v.model, v.number, v.sample) for v in values()]
    assert len(set(found)) == len(found) == 37
    assert {v.source for v in values()} == {"Krause et al., arXiv:2410.21611", "WGAN talk"}


def test_tables_are_plausible() -> None:
    """Areas lie between a half and one; of Geant4 against itself they are a half."""
    for sample in ("data set 2", "data set 3", "photons, 368", "pions"):
        for _, _, low, high in measures(sample).values():
            assert 0.499 < low < 1
            assert 0.499 < high < 1
    assert max(map(abs, measures("data set 2")["GEANT4, split in halves"][2:])) < 0.5


def test_networks_against_a_critic_are_told_apart_most_easily() -> None:
    """What the best of them reach with high-level features: 0.927, 0.987 and 0.947."""
    best = {
        "data set 2": ("DeepTree (GAN)", "MDMA (GAN)"),
        "data set 3": ("MDMA (GAN)",),
        "photons, 368": ("CaloShower3GAN", "BoloGAN (WGAN-GP)"),
    }
    found = {s: min(measures(s)[name][3] for name in names) for s, names in best.items()}
    assert found == {"data set 2": 0.927, "data set 3": 0.987, "photons, 368": 0.947}


def test_the_talk_ranks_by_the_raw_sum() -> None:
    ranked = [float(v.value) for v in values() if v.source == "WGAN talk"]
    assert ranked == sorted(ranked)
    assert ranked[0] == 0.52
