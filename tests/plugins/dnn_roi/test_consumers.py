from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from zoo.api import Codec
from zoo_dnn_roi.codec import RoiCodec
from zoo_dnn_roi.config import LiteUNetConfig
from zoo_dnn_roi.consumers import WireCell

INPUT = {"image": np.zeros((1, 3, 8, 5), np.float32)}
GOOD = np.full((1, 1, 8, 5), 0.5, np.float32)


def test_a_file_as_wire_cell_wants_it() -> None:
    assert WireCell().check(INPUT, {"probability": GOOD}) == []
    double = {"image": np.zeros((2, 6, 8, 5), np.float32)}
    assert WireCell().check(double, {"probability": np.repeat(GOOD, 2, 0)}) == []


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (GOOD.astype(np.float64), "float64"),
        (GOOD.astype(np.float16), "float16"),
        (np.asfortranarray(GOOD), "contiguous"),
        (GOOD[:, :, :, :4].copy(), r"\(1, 1, 8, 4\)"),
        (np.repeat(GOOD, 2, 1), r"\(1, 2, 8, 5\)"),
        (GOOD[0], r"\(1, 8, 5\)"),
        (GOOD + 1, "no probability"),
        (GOOD * np.nan, "no probability"),
    ],
)
def test_what_its_memcpy_would_turn_into_garbage(output: Any, word: str) -> None:
    (sentence,) = WireCell().check(INPUT, {"probability": output})
    assert re.search(word, sentence)


def test_one_tensor_in_and_one_out() -> None:
    assert WireCell().check({**INPUT, "plane": np.zeros(1)}, {"probability": GOOD})
    assert WireCell().check(INPUT, {"probability": GOOD, "charge": GOOD})
    assert WireCell().check({"image": np.zeros((1, 3, 8, 5))}, {"probability": GOOD})


def files(
    threshold: float = 0.35, facts: Mapping[str, Any] | None = None, **settings: Any
) -> dict[str, str]:
    config = LiteUNetConfig.model_validate(settings)
    codec = RoiCodec(config, facts or {}, {"threshold": threshold})
    info = {"model": "dnn-roi/lite-unet", "file": "x.ts", "sha256": "ab" * 32}
    return dict(WireCell().files("x", info, codec))


def test_the_sidecar_tells_the_tick_of_the_detector() -> None:
    told = [
        json.loads(files(facts=facts)["x.wirecell.json"])["units"]["tick"]
        for facts in ({}, {"geometry": {"tick_ns": 512.0}}, {"geometry": {"tick_ns": 400.0}})
    ]
    assert told == ["500 ns", "512 ns", "400 ns"]


def test_the_sidecar_has_every_setting_that_must_agree() -> None:
    sidecar = json.loads(files(rebin=4, scale=2000)["x.wirecell.json"])
    assert sidecar["sha256"] == "ab" * 32
    assert sidecar["tick_per_slice"] == 4
    assert sidecar["input_scale"] == 1 / 2000
    assert sidecar["mask_thresh"] == 0.35
    assert sidecar["intags"] == ["loose_lf%d", "mp2_roi%d", "mp3_roi%d"]


def test_the_tags_of_six_inputs_are_those_of_production() -> None:
    # dnnroi_mp.jsonnet of DUNE: loose_lf, mp2_roi, mp3_roi, tight_lf, decon_charge, gauss.
    inputs = ["loose_lf", "mp2", "mp3", "tight_lf", "decon_charge", "gauss"]
    tags = json.loads(files(inputs=inputs)["x.wirecell.json"])["intags"]
    assert tags == [
        *("loose_lf%d", "mp2_roi%d", "mp3_roi%d"),
        *("tight_lf%d", "decon_charge%d", "gauss%d"),
    ]


@pytest.mark.realdata
def test_our_tags_are_those_of_a_real_configuration(real_data: Any) -> None:
    text = (real_data / "dnn-roi" / "dnnroi_mp.jsonnet").read_text()
    block = text[text.index("local apa_intags") : text.index("][0:nchan]")]
    inputs = ["loose_lf", "mp2", "mp3", "tight_lf", "decon_charge", "gauss"]
    tags = json.loads(files(inputs=inputs)["x.wirecell.json"])["intags"]
    assert re.findall(r"'([a-z0-9_]+%d)'", block) == tags
    keys = set(re.findall(r"^      (\w+): ", text, re.MULTILINE))
    used = {"intags", "decon_charge_tag", "input_scale", "mask_thresh", "tick_per_slice", "nticks"}
    assert used <= keys
    assert used <= set(re.findall(r"^      (\w+): ", files()["x.jsonnet"], re.MULTILINE))


def test_the_snippet_says_the_same_as_the_sidecar() -> None:
    snippet = files(rebin=4, scale=2000)["x.jsonnet"]
    settings = dict(re.findall(r"^      (\w+): (.*),$", snippet, re.MULTILINE))
    assert settings["tick_per_slice"] == "4"
    assert settings["input_scale"] == "1.0 / 2000.0"
    assert settings["mask_thresh"] == "0.35"
    assert settings["intags"].endswith("['loose_lf%d', 'mp2_roi%d', 'mp3_roi%d']]")
    assert snippet.count("{") == snippet.count("}")
    assert "type: 'TorchService'" in snippet
    assert "model='x.ts'" in snippet


def test_another_codec_has_no_such_settings() -> None:
    with pytest.raises(TypeError, match="RoiCodec"):
        WireCell().files("x", {}, Codec(None, {}, {}))
