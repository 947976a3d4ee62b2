"""Self-checks: answers that travel with a file, and that a program without zoo can ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.errors import ParityError
from zoo.export import export
from zoo.export.checks import CHECKED, check_file, checks_text, self_checks
from zoo.export.parity import EPS, FACTOR
from zoo.prediction.network import NetworkPredictor
from zoo.runtimes.header import read_export_header
from zoo.runtimes.runtime import Runtime, open_runtime
from zoo_miniatures.light.deploy import SirenDeploy

pytestmark = pytest.mark.usefixtures("forked_runtime")


@pytest.fixture
def checked(siren: NetworkPredictor, monkeypatch: pytest.MonkeyPatch) -> NetworkPredictor:
    """A model whose deploy wants checks."""
    monkeypatch.setattr(SirenDeploy, "checks", {"batch": 32})
    return siren


def test_without_them_a_file_is_as_it_was(siren: NetworkPredictor, tmp_path: Path) -> None:
    done = export(siren, "ts", out=tmp_path)
    header = read_export_header(done.path)
    assert header.checks == {}
    assert '"checks"' not in header.dumps()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in done.files}
    assert not any("checks" in path.name for path in done.files)
    assert check_file(open_runtime(done.path)) == []


@pytest.mark.parametrize("format_name", ["ts", "onnx"])
def test_they_travel_in_the_file_and_beside_it(
    checked: NetworkPredictor, tmp_path: Path, format_name: str
) -> None:
    done = export(checked, format_name, out=tmp_path)
    checks = read_export_header(done.path).checks
    assert checks["inputs"]["position"]["shape"] == [32, 3]
    logits = checks["outputs"]["logits"]
    assert len(logits["index"]) == CHECKED
    assert logits["shape"] == [32, 32]
    # In float64 by the networks themselves.
    position = np.array(checks["inputs"]["position"]["values"], np.float32).reshape(32, 3)
    deploy = SirenDeploy(checked.codec.config, checked.codec.facts)
    module = deploy.module(checked.networks, checked.codec)
    with torch.no_grad():
        single = module(torch.from_numpy(position)).numpy()
        exact = module.double()(torch.from_numpy(position).double()).numpy()
        module.float()
    np.testing.assert_array_equal(exact.ravel()[logits["index"]], logits["values"])
    error = float(np.abs(single - exact).max())
    assert logits["tolerance"] == pytest.approx(FACTOR * error + EPS * np.abs(exact).max())
    beside = tmp_path / f"{done.path.name}.checks.txt"
    assert beside in done.files
    assert beside.read_text(encoding="utf-8") == checks_text(checks)


def test_a_program_without_zoo_reads_them(checked: NetworkPredictor, tmp_path: Path) -> None:
    done = export(checked, "onnx", out=tmp_path)
    words = iter((tmp_path / f"{done.path.name}.checks.txt").read_text().split())
    inputs, outputs = _read(words)
    session: Any = onnxruntime.InferenceSession(str(done.path))
    found = session.run(["logits"], inputs)[0].ravel()
    index, values, tolerance = outputs["logits"]
    difference = np.abs(found[index] - values)
    assert difference.max() <= tolerance
    assert np.abs(found[index[::-1]] - values).max() > 100 * tolerance  # another order is noticed


def _read(
    words: Iterator[str],
) -> tuple[dict[str, NDArray[Any]], dict[str, tuple[NDArray[Any], NDArray[Any], float]]]:
    inputs, outputs = {}, {}
    for kind in words:
        name = next(words)
        shape = [int(next(words)) for _ in range(int(next(words)))]
        if kind == "input":
            flat = [float(next(words)) for _ in range(int(np.prod(shape)))]
            inputs[name] = np.array(flat, np.float32).reshape(shape)
        else:
            tolerance, count = float(next(words)), int(next(words))
            pairs = [(int(next(words)), float(next(words))) for _ in range(count)]
            index, values = zip(*pairs, strict=True)
            outputs[name] = (np.array(index), np.array(values), tolerance)
    return inputs, outputs


def test_every_point_is_checked(checked: NetworkPredictor) -> None:
    deploy = SirenDeploy(checked.codec.config, checked.codec.facts)
    checks = self_checks(deploy.module(checked.networks, checked.codec), deploy)
    index = np.array(checks["outputs"]["logits"]["index"])
    assert set(index // 32) == set(range(32))
    assert len(set(index % 32)) == 32  # and every output
    assert (np.diff(index) > 0).all()


class _Wrong(Runtime):
    """A right file, whose answers are changed."""

    def __init__(self, right: Runtime, change: Any) -> None:
        super().__init__(right.path, right.header)
        self.right, self.change = right, change

    def _run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        return [self.change(value) for value in self.right._run(inputs)]


def test_a_wrong_file_is_noticed(checked: NetworkPredictor, tmp_path: Path) -> None:
    right = open_runtime(export(checked, "onnx", out=tmp_path).path)
    assert check_file(right) == []
    assert "self-check of 'logits'" in check_file(_Wrong(right, lambda x: 1.001 * x))[0]
    assert "inf" in check_file(_Wrong(right, lambda x: x[:, :-1]))[0]
    assert check_file(_Wrong(right, lambda x: np.full_like(x, np.nan)))


class _BatchDependent(nn.Module):
    """Right but for batches of 32, which are not on the grid."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor) -> Tensor:
        result: Tensor = self.net(position)
        return result + 1 if len(position) == 32 else result


def test_a_file_that_fails_its_own_checks_is_not_left(
    checked: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = SirenDeploy.module
    monkeypatch.setattr(
        SirenDeploy, "module", lambda self, *given: _BatchDependent(original(self, *given))
    )
    with pytest.raises(ParityError, match="self-check of 'logits'"):
        export(checked, "ts", out=tmp_path)
    assert list(tmp_path.iterdir()) == []


class _WithSum(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor) -> tuple[Tensor, Tensor]:
        result: Tensor = self.net(position)
        return result, result.sum(1)


def test_a_file_may_answer_more_than_is_predicted(
    siren: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, begin = SirenDeploy.module, SirenDeploy.__init__

    def declare(self: Any, *given: Any) -> None:
        begin(self, *given)
        total = type(self.outputs["logits"])(dims=("batch",), dtype="float32", meaning="their sum")
        self.outputs = {**self.outputs, "total": total}
        self.additional = frozenset({"total"})

    monkeypatch.setattr(SirenDeploy, "__init__", declare)
    monkeypatch.setattr(
        SirenDeploy, "module", lambda self, *given: _WithSum(original(self, *given))
    )
    done = export(siren, "onnx", out=tmp_path)
    assert {point["output"] for point in done.report["parity"]} == {"logits", "total"}
    found = open_runtime(done.path)({"position": np.zeros((2, 3), np.float32)})
    np.testing.assert_allclose(found["total"], found["logits"].sum(1), rtol=1e-5)
