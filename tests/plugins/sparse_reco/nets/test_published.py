"""The published values that reports of the task show."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from zoo.report.published import PublishedValue


def values() -> list[PublishedValue]:
    text = (files("zoo_sparse_reco") / "published.toml").read_text(encoding="utf-8")
    return [PublishedValue.model_validate(value) for value in tomllib.loads(text)["value"]]


def test_they_are_those_of_the_abstracts() -> None:
    """Of arXiv:1903.05663 and arXiv:2006.14745."""
    found = {(value.source.rpartition(":")[2], value.value) for value in values()}
    assert found == {
        ("1903.05663", "93.9 %, 96.7 %"),
        ("1903.05663", "95.4 %, 95.5 %"),
        ("1903.05663", "1/364, 1/33"),
        ("1903.05663", "1/93, 1/3.1"),
        ("2006.14745", "96.8 %, 97.8 %"),
        ("2006.14745", "0.25 voxels"),
        ("2006.14745", "96 %, 93 %, 91 %"),
    }


def test_numbers_of_classes_name_their_scheme() -> None:
    for value in values():
        assert ("hip-mip" in value.sample) == ("1903.05663" in value.source)
