"""Every constant of the ROI chain: the table of the plugin's page, the code, Wire-Cell's own file.

The page says where in the resolved configuration of a ProtoDUNE-HD job each constant stands; the
job is that which made the real frame of the real-data tests.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import zoo_dnn_roi
from zoo_dnn_roi.physics.filters import FilterSet
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.multiplane import Coincidence
from zoo_dnn_roi.physics.roi import RoiSettings

PAGE = Path(zoo_dnn_roi.__file__).parent / "README.md"
ROW = re.compile(r"\| `(\w+)\.(\w+)` \| ([^|]+) \| `?([^|`]+)`? \|")
OURS = {"extend"}  # a switch of ours, no constant of Wire-Cell
ELECTRONS_PER_FC = 1 / 1.602176634e-4  # CODATA 2018, exact
# What one unit of the file is in the unit of the page. Wire-Cell counts in mm, ns, MeV, MV and
# elementary charges: 1 / ns = 1000 MHz. The sigma of a wire filter is a pure number.
UNITS = {
    "sigma of HfFilter": 1e3,
    "sigma of HfFilter:Wire_ind": 1.0,
    "sigma of HfFilter:Wire_col": 1.0,
    "tau of LfFilter": 1e3,
    "ADC_mV of OmnibusSigProc": 1e-9,
    "gain of ColdElecResponse": 1e9 * ELECTRONS_PER_FC,
    "shaping of ColdElecResponse": 1e-3,
}

Row = tuple[str, str, list[float], list[str]]


def table() -> list[Row]:
    """Holder, constant, values, and where they are in the file."""
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return [
        (
            holder,
            name,
            [float(value) for value in values.split(", ")],
            [] if "not set" in keys else keys.strip().split(", "),
        )
        for holder, name, values, keys in found
    ]


def in_code(holder: str, name: str) -> list[float]:
    holders: dict[str, Any] = {
        "RoiSettings": RoiSettings(),
        "FilterSet": FilterSet(),
        "Coincidence": Coincidence(),
        "Detector": protodune_hd(),
    }
    value = getattr(holders[holder], name)
    if not isinstance(value, tuple):
        return [float(value)]
    return [float(number) for plane in value for number in plane]


def test_the_page_tells_every_constant() -> None:
    for holder in (RoiSettings, FilterSet, Coincidence):
        told = {name for owner, name, _, _ in table() if owner == holder.__name__}
        assert told == {field.name for field in fields(holder)} - OURS


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row[0]}.{row[1]}")
def test_the_page_tells_the_value_of_the_code(row: Row) -> None:
    holder, name, values, _ = row
    assert in_code(holder, name) == pytest.approx(values, rel=1e-5)


@pytest.fixture(scope="module")
def configuration(real_data: Path) -> list[dict[str, Any]]:
    path = real_data / "dnn-roi" / "pdhd-apa1-nf-sp-cfg.json"
    nodes: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return nodes


def look_up(nodes: list[dict[str, Any]], key: str) -> float:
    """The value of a key such as ``OmnibusSigProc.r_sep_peak`` or ``HfFilter:Gaus_wide.sigma``."""
    node, _, name = key.rpartition(".")
    kind, _, instance = node.partition(":")
    (data,) = (
        part["data"]
        for part in nodes
        if part["type"] == kind and (not instance or part.get("name") == instance)
    )
    unit = UNITS.get(f"{name} of {node}", UNITS.get(f"{name} of {kind}", 1.0))
    return float(data[name]) * unit


@pytest.mark.realdata
@pytest.mark.parametrize(
    "row", [row for row in table() if row[3]], ids=lambda row: f"{row[0]}.{row[1]}"
)
def test_the_code_has_the_value_of_the_job(configuration: list[dict[str, Any]], row: Row) -> None:
    holder, name, _, keys = row
    expected = [look_up(configuration, key) for key in keys]
    assert in_code(holder, name) == pytest.approx(expected, rel=1e-6)


@pytest.mark.realdata
def test_the_job_uses_nothing_of_which_the_chain_does_not_know(
    configuration: list[dict[str, Any]],
) -> None:
    (job,) = (node["data"] for node in configuration if node["type"] == "OmnibusSigProc")
    told = {key.rpartition(".")[2] for row in table() for key in row[3]}
    unused = {key for key in job if key.startswith(("lroi_", "troi_", "r_"))} - told
    # Factors of one on thresholds of the table, and the step of one bin that the walk takes.
    assert {key: job[key] for key in sorted(unused)} == {
        "lroi_jump_one_bin": 1,
        "r_fake_signal_high_th_ind_factor": 1,
        "r_fake_signal_low_th_ind_factor": 1,
    }
    assert job["Wiener_tight_filters"] == [f"Wiener_tight_{plane}" for plane in "UVW"]
