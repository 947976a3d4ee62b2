"""Files of somebody else: described, checked, run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.bench.case import Case, Conditions, Port
from zoo.bench.foreign import make_inputs, read_foreign
from zoo.bench.interfaces import foreign_interface, write_inputs
from zoo.bench.measure import measure
from zoo.bench.work import prepare
from zoo.errors import ConfigError, UsageError, WeightsError

SIZES = {"batch": 2, "wire": 8, "bin": 4}


def case_of(toml: Path, folder: Path) -> Case:
    subject, told = read_foreign(toml, trust=True)
    interface = foreign_interface(told, str(toml))
    inputs = folder / "inputs.safetensors"
    write_inputs(interface, SIZES, inputs)
    return Case(
        subject=subject,
        conditions=Conditions(mode="inference", runtime=subject.format, sizes=SIZES),
        inputs=str(inputs),
        program=subject.file,
        format=subject.format,
        takes=interface.takes,
        gives=interface.gives,
    )


def test_torchscript_runs(foreign_ts: Path, tmp_path: Path):
    found = measure(prepare(case_of(foreign_ts, tmp_path)), 2)
    assert found.inputs == {"image": (2, 3, 8, 4)}
    assert found.parameters == 0
    assert found.operator is not None
    assert found.operator.name == "aten.mean.dim"  # all that the file computes
    assert found.multiply_adds == 0
    assert len(found.wall) == 2


def test_onnx_is_measured_without_torch(foreign_onnx: Path, tmp_path: Path):
    given, wanted = tmp_path / "case.json", tmp_path / "result.json"
    given.write_text(json.dumps(case_of(foreign_onnx, tmp_path).as_dict()))
    program = (
        "import sys; from zoo.bench.process import _main; _main(*sys.argv[1:]); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(given), str(wanted)], check=False)
    assert done.returncode == 0
    found = json.loads(wanted.read_bytes())["measured"]
    assert found["parameters"] == 3  # its floating-point constants
    assert len(found["cpu"]) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gives": ()}, "1 outputs, 0 are declared"),
        ({"gives": (Port(name="mean", dims=("batch", "wire"), dtype="float32"),)}, "2 x 8 x 4"),
        ({"gives": (Port(name="m", dims=("batch", 8, 4), dtype="float64"),)}, "float32"),
        ({"gives": (Port(name="m", dims=("bin", 8, "bin"), dtype="float32"),)}, "2 x 8 x 4"),
    ],
)
def test_outputs_are_as_declared(
    foreign_ts: Path, tmp_path: Path, change: dict[str, tuple[Port, ...]], says: str
):
    case = replace(case_of(foreign_ts, tmp_path), **change)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=says):
        measure(prepare(case), 1)


def test_names_of_an_onnx_file_are_as_declared(foreign_onnx: Path, tmp_path: Path):
    case = case_of(foreign_onnx, tmp_path)
    wrong = replace(case, gives=(replace(case.gives[0], name="average"),))
    with pytest.raises(ConfigError) as caught:
        prepare(wrong)
    assert "mean" in caught.value.message
    assert "average" in caught.value.where


def test_a_torchscript_must_be_trusted(foreign_ts: Path):
    with pytest.raises(UsageError) as caught:
        read_foreign(foreign_ts, trust=False)
    assert "--trust" in caught.value.remedy


def test_damaged_torchscript_is_found_without_running_it(foreign_ts: Path):
    file = foreign_ts.with_name("mean.ts")
    whole = file.read_bytes()
    middle = len(whole) // 2
    for content in (b"", whole[:middle], b"\xff" * 100):
        file.write_bytes(content)
        with pytest.raises(WeightsError):
            read_foreign(foreign_ts, trust=True)
    file.unlink()
    with pytest.raises(WeightsError, match="no such file"):
        read_foreign(foreign_ts, trust=True)


def test_damaged_onnx(foreign_onnx: Path, tmp_path: Path):
    case = case_of(foreign_onnx, tmp_path)
    Path(case.program).write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsError) as caught:
        prepare(case)
    assert "zoo export" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("file =", "fiel ="),
        ("mean.ts", "mean.exe"),
        ('"batch", 3', '"batch", -3'),
        ("[inputs.image]", "[inputs.image]\nfill = 'ones'"),
        ("[outputs.mean]", "[output.mean]"),
        ("wire = 8", "wire = 0"),
    ],
)
def test_wrong_descriptions(foreign_ts: Path, old: str, new: str):
    text = foreign_ts.read_text()
    assert old in text
    foreign_ts.write_text(text.replace(old, new))
    with pytest.raises(ConfigError):
        read_foreign(foreign_ts, trust=True)


def test_every_size_must_be_told(foreign_ts: Path):
    _, told = read_foreign(foreign_ts, trust=True)
    interface = foreign_interface(told, str(foreign_ts))
    assert interface.typical == {"batch": 1, "wire": 8}
    with pytest.raises(ConfigError, match="bin"):
        interface.make(interface.typical)


def test_fills():
    dims = (1000,)
    made = make_inputs(
        tuple(
            Port(name=fill, dims=dims, dtype="float32", fill=fill)
            for fill in ("normal", "uniform", "zeros")
        ),
        {},
    )
    assert made["normal"].std() == pytest.approx(1, abs=0.1)
    assert 0 <= made["uniform"].min() < 0.01
    assert 0.99 < made["uniform"].max() < 1
    assert not made["zeros"].any()
    again = make_inputs((Port(name="normal", dims=dims, dtype="float32", fill="normal"),), {})
    assert np.array_equal(made["normal"], again["normal"])
