from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.errors import DataError, UsageError, WeightsError
from zoo.runtimes import ExportHeader, export_format, load_exported, open_runtime
from zoo.runtimes.header import read_export_header
from zoo.runtimes.process import run_in_fresh_process

WAVE = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
OFFSET = np.array([100, 200], np.float32)


def test_it_computes_what_was_exported(exported: Path) -> None:
    found = open_runtime(exported)({"offset": OFFSET, "wave": WAVE})
    assert list(found) == ["moved", "area"]
    np.testing.assert_array_equal(found["moved"], 2 * WAVE + OFFSET[:, None, None])
    np.testing.assert_array_equal(found["area"], [[6, 9], [24, 27]])  # 0+2+4, 1+3+5, ...


def test_inputs_may_be_views_that_must_not_be_written(exported: Path) -> None:
    wave = np.broadcast_to(np.float32(1), (2, 4, 2))
    found = open_runtime(exported, threads=1)({"wave": wave, "offset": OFFSET})
    np.testing.assert_array_equal(found["area"], np.full((2, 2), 4))


def test_the_header_comes_back_as_it_was(exported: Path, header: ExportHeader) -> None:
    found = read_export_header(exported)
    np.testing.assert_array_equal(found.facts["channels"], header.facts["channels"])
    assert found.facts["channels"].dtype == np.int32
    assert found.constants == header.constants
    assert found.config == header.config
    assert list(found.inputs.items()) == list(header.inputs.items())
    assert list(found.outputs.items()) == list(header.outputs.items())
    assert found.dumps() == header.dumps()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wave": WAVE.astype(np.float64)}, "'wave' is float64"),
        ({"wave": WAVE[0]}, r"'wave' is float32 \(3, 2\), not float32 \(batch, tick, 2\)"),
        ({"wave": WAVE[:, :, :1]}, r"\(2, 3, 1\)"),
        ({"offset": OFFSET[:1]}, r"'offset' is float32 \(1,\), not float32 \(batch\), batch = 2"),
        ({"more": OFFSET}, "inputs more, offset, wave were given, not wave, offset"),
    ],
)
def test_what_does_not_fit_is_named(exported: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_runtime(exported)({"wave": WAVE, "offset": OFFSET, **change})


def test_a_damaged_file_is_no_export(exported: Path) -> None:
    content = exported.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"garbage" * 99):
        exported.write_bytes(damaged)
        with pytest.raises(WeightsError, match="missing, damaged or no export"):
            open_runtime(exported)
    exported.unlink()
    with pytest.raises(WeightsError, match="missing, damaged or no export"):
        open_runtime(exported)


def test_a_foreign_file_has_no_header(tmp_path: Path) -> None:
    import onnx

    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    sides = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in "xy"]
    graph = onnx.helper.make_graph([node], "foreign", sides[:1], sides[1:])
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(WeightsError, match="no header of zoo"):
        load_exported(tmp_path / "foreign.onnx")


@pytest.mark.parametrize("change", ['{"format": 2}', "[]", "{", '{"format": 1}'])
def test_a_header_of_another_kind_is_refused(change: str) -> None:
    with pytest.raises(WeightsError):
        ExportHeader.loads(change, "x.onnx")


def test_a_header_is_canonical(header: ExportHeader) -> None:
    assert json.loads(header.dumps())["format"] == 1
    assert " " not in header.dumps().replace("sum over ticks", "").replace("2 wave + offset", "")


@pytest.mark.parametrize(("name", "given"), [("x.onyx", ""), ("x", ""), ("x.onnx", "tflite")])
def test_unknown_formats(name: str, given: str) -> None:
    with pytest.raises(UsageError, match="is no export format"):
        export_format(Path(name), given)


def test_a_fresh_process_runs_every_point(exported: Path, tmp_path: Path) -> None:
    points = [{"wave": WAVE[:n], "offset": OFFSET[:n]} for n in (1, 2)]
    folder = tmp_path / "exchange"
    folder.mkdir()
    outputs, violations = run_in_fresh_process(exported, exported.suffix[1:], points, folder)
    assert violations == [[], []]
    for n, found in zip((1, 2), outputs, strict=True):
        np.testing.assert_array_equal(found["area"], [[6, 9], [24, 27]][:n])


def test_a_fresh_process_gets_and_gives_views_as_they_are(turned: Path, tmp_path: Path) -> None:
    # safetensors writes the memory, which in these inputs and outputs has another order.
    folder = tmp_path / "exchange"
    folder.mkdir()
    points = [{"wave": np.asfortranarray(WAVE), "offset": OFFSET}]
    (found,), _ = run_in_fresh_process(turned, "ts", points, folder)
    np.testing.assert_array_equal(found["moved"], WAVE.transpose(1, 0, 2))
    np.testing.assert_array_equal(found["area"], WAVE[:, :, 0].T)
