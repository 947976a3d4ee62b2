"""Which rows a table has, without measuring any."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.bench.case import Case, Conditions, Port, Subject
from zoo.bench.cases import Options, make_cases
from zoo.bench.interfaces import Interface
from zoo.bench.subjects import Settings, parse_id, subjects
from zoo.errors import ConfigError, PluginError, UsageError

IMAGE = Interface(
    takes=(Port(name="image", dims=("batch", 3, "wire", "bin"), dtype="float32"),),
    gives=(),
    typical={"batch": 1, "wire": 80, "bin": 60},
    make=lambda _: {},
)
NET, CENTROID = "mini-track/pad-net", "mini-track/centroid"


def one(text: str, settings: Settings | None = None) -> Subject:
    return subjects([text], settings or Settings())[0]


def told(cases: list[Case]) -> list[tuple[str, str]]:
    return [(f"{case.subject.name} {case.conditions.runtime}", case.reason) for case in cases]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("dnn-roi/lite-unet", ("dnn-roi/lite-unet", "dnn-roi/lite-unet", [])),
        ("tiled=a/b:tiles=2", ("tiled", "a/b", ["tiles=2"])),
        ("a/b:tiles=2", ("a/b:tiles=2", "a/b", ["tiles=2"])),
        ("s=a/b:widths=[8,16]:tiles=2", ("s", "a/b", ["widths=[8,16]", "tiles=2"])),
    ],
)
def test_names_and_settings_of_an_id(text: str, parts: tuple[str, str, list[str]]):
    assert parse_id(text) == parts


def test_a_path_may_hold_a_colon(tmp_path: Path):
    (tmp_path / "a:b").mkdir()
    assert parse_id(f"x={tmp_path / 'a:b'}") == ("x", str(tmp_path / "a:b"), [])


def test_settings_go_to_the_models_that_have_them():
    settings = Settings(assignments=["model.width=4", "data.events=7"])
    net, wide, centroid = subjects([NET, f"wide={NET}:width=16", CENTROID], settings)
    assert [net.config["model"]["width"], wide.config["model"]["width"]] == [4, 16]
    assert centroid.config["model"] == {"sigma": 1.0}
    assert {s.config["data"]["events"] for s in (net, wide, centroid)} == {7}
    assert (net.kind, centroid.kind, net.fresh, centroid.fresh) == (
        *("networks", "classical"),
        *(True, False),
    )


@pytest.mark.parametrize(
    ("text", "settings", "error"),
    [
        (NET, Settings(assignments=["model.widht=4"]), ConfigError),
        (f"{NET}:widht=4", Settings(), ConfigError),
        (f"{NET}:width=wide", Settings(), ConfigError),
        (NET, Settings(recipe="slow"), ConfigError),
        ("mini-track/pad-nut", Settings(), PluginError),
        ("no-such-run", Settings(), UsageError),
    ],
)
def test_mistakes_are_told(text: str, settings: Settings, error: type[Exception]):
    with pytest.raises(error):
        one(text, settings)


def test_rows_are_the_product_with_all_ids_under_each_condition():
    options = Options(
        sizes=[{"wire": 32}, {}], batches=[1, 2], threads=[1, 2], precisions=["fp32", "bf16"]
    )
    net = one(NET)
    cases = make_cases([(net, IMAGE), (one(f"other={NET}"), IMAGE)], options)
    assert len(cases) == 2 * 2 * 2 * 2 * 2
    assert [case.subject.name for case in cases[:4]] == [NET, "other", NET, "other"]
    assert cases[0].conditions.sizes == {"batch": 1, "wire": 32, "bin": 60}
    assert cases[-1].conditions == Conditions(
        mode="inference",
        runtime="eager",
        precision="bf16",
        threads=2,
        onednn="on",
        sizes={"batch": 2, "wire": 80, "bin": 60},
    )


def test_what_is_impossible_is_one_row_with_the_reason():
    options = Options(
        runtimes=["eager", "onnx"], onednn=["on", "off"], modes=["inference", "training"]
    )
    cases = make_cases([(one(NET), IMAGE)], options)
    assert told(cases) == [
        (f"{NET} eager", ""),
        (f"{NET} eager", ""),
        (f"{NET} onnx", ""),
        (f"{NET} onnx", "not available: ONNX Runtime has kernels of its own, not oneDNN"),
        (f"{NET} eager", ""),
        (f"{NET} eager", ""),
        (f"{NET} onnx", "not available: an exported file does not train"),
    ]


def test_each_phase_of_a_training_is_a_row():
    gan = one("mini-gan/wgan-lo", Settings(recipe="quick"))
    options = Options(modes=["training"], runtimes=["eager", "compiled"], batches=[None, 4])
    cases = make_cases([(gan, None)], options)
    phases = [case.conditions.phase for case in cases if not case.reason]
    assert phases == ["critic", "constrainer", "generator"] * 2
    assert [case.conditions.sizes["batch"] for case in cases if not case.reason] == [32] * 3 + [
        4
    ] * 3
    assert {case.reason for case in cases if case.conditions.runtime == "compiled"} == {
        "not available: its learner differentiates twice, which torch.compile cannot"
    }


def test_a_classical_algorithm_has_no_precision_and_no_step():
    options = Options(
        precisions=["fp32", "bf16"], runtimes=["eager", "onnx"], modes=["inference", "training"]
    )
    cases = make_cases([(one(CENTROID), None)], options)
    assert told(cases) == [
        (f"{CENTROID} ", ""),
        (f"{CENTROID} ", "not available: a classical algorithm has no training step"),
    ]


def test_an_unknown_size_is_refused():
    with pytest.raises(UsageError, match="size") as caught:
        make_cases([(one(NET), IMAGE)], Options(sizes=[{"wires": 32}]))
    assert "wire" in caught.value.remedy


def test_a_case_crosses_as_json():
    case = Case(
        subject=one(NET), conditions=Conditions(mode="inference"), takes=IMAGE.takes, repeats=3
    )
    assert Case.from_dict(case.as_dict()) == case
