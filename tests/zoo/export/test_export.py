from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.contract.codec import Batch
from zoo.contract.deploy import Consumer
from zoo.contract.table import Table
from zoo.errors import ParityError, PluginError, UsageError
from zoo.export import Exported, export
from zoo.export.formats import write_module
from zoo.export.parity import compare_predictions
from zoo.files import file_digest
from zoo.prediction.network import NetworkPredictor
from zoo.registry import registry
from zoo.runtimes import load_exported, open_runtime
from zoo_miniatures.light.codec import LightCodec
from zoo_miniatures.light.deploy import SirenDeploy
from zoo_miniatures.light.learner import ShareLearner

Export = Callable[[str], Exported]


@pytest.mark.parametrize("format_name", ["onnx", "pt2", "ts"])
def test_the_file_is_the_model(
    siren: NetworkPredictor, samples: Table, exported: Export, format_name: str
) -> None:
    done = exported(format_name)
    folder = done.path.parent
    assert done.path.name == f"mini-light-siren.{format_name}"
    beside = f"{done.path.name}.export.json"
    assert sorted(path.name for path in folder.iterdir()) == sorted([done.path.name, beside])
    report = json.loads((folder / beside).read_text())
    assert report["sha256"] == file_digest(done.path)
    assert report["torch"] == torch.__version__
    assert report["inputs"]["position"]["dims"] == ["batch", 3]
    assert [point["sizes"]["batch"] for point in report["parity"]] == [8, 1, 2]
    assert all(0 < point["eager_error"] < 1e-5 for point in report["parity"])
    assert all(point["export_error"] <= point["tolerance"] for point in report["parity"])
    assert report["end_to_end"]["columns"]["share"]["differing"] == 0
    found = load_exported(done.path, batch=2).predict(samples)
    np.testing.assert_allclose(found["share"], siren.predict(samples)["share"], rtol=1e-5)
    np.testing.assert_array_equal(load_exported(done.path).codec.constants["unused"], [0, 1, 2])


@pytest.mark.parametrize("format_name", ["onnx", "pt2", "ts"])
def test_no_file_tells_where_it_was_made(exported: Export, format_name: str) -> None:
    here = str(Path(__file__).parents[3]).encode()
    path = exported(format_name).path
    assert here not in path.read_bytes()
    if format_name != "onnx":
        with zipfile.ZipFile(path) as archive:
            assert not any(here in archive.read(name) for name in archive.namelist())


def test_onnx_predicts_without_torch(exported: Export) -> None:
    path = exported("onnx").path
    program = (
        "import sys, importlib.metadata as m, numpy as np, zoo.registry\n"
        "zoo.registry.entry_points = lambda group: [m.EntryPoint("
        "'light', 'zoo_miniatures.light.plugin', 'zoo.plugins')]\n"
        "from zoo.runtimes import load_exported\n"
        "from zoo.contract.table import Table\n"
        "position = np.array([[0, 100, 200]], np.float32)\n"
        "table = Table({'id': np.array([1], np.uint64), 'position': position})\n"
        "share = load_exported(__import__('pathlib').Path(sys.argv[1])).predict(table)['share']\n"
        "assert abs(share.sum() - 1) < 1e-5, share\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def deploys(monkeypatch: pytest.MonkeyPatch, wrap: Callable[[nn.Module], nn.Module]) -> None:
    """Deploy something else than the model."""
    original = SirenDeploy.module
    monkeypatch.setattr(
        SirenDeploy, "module", lambda self, nets, codec: wrap(original(self, nets, codec))
    )


class _Branching(nn.Module):
    """Another function at batch 1: a trace at batch 2 does not see it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor) -> Tensor:
        result: Tensor = self.net(position)
        return result / 2 if len(position) == 1 else result


@pytest.mark.usefixtures("forked_runtime")
def test_a_branch_frozen_by_the_trace_is_found_and_nothing_is_left(
    siren: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploys(monkeypatch, _Branching)
    with pytest.raises(ParityError, match="logits at batch 1") as caught:
        export(siren, "ts", out=tmp_path)
    assert caught.value.exit_code == 6
    assert list(tmp_path.iterdir()) == []


def test_the_tracer_warns_of_such_a_branch(siren: NetworkPredictor, tmp_path: Path) -> None:
    deploy = SirenDeploy(siren.codec.config, siren.codec.facts)
    module = deploy.module(siren.networks, siren.codec).eval()
    path = tmp_path / "x"
    inputs = (torch.zeros(2, 3),)
    assert not write_module("ts", module, inputs, deploy, header="{}", path=path)
    assert write_module("ts", _Branching(module), inputs, deploy, header="{}", path=path)


def test_a_wrong_decode_is_found_end_to_end(
    siren: NetworkPredictor, samples: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploys(monkeypatch, _Scaled)
    with pytest.raises(ParityError, match="predicted 'share'"):
        export(siren, "onnx", out=tmp_path, samples=samples)
    assert list(tmp_path.iterdir()) == []


class _Scaled(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor) -> Tensor:
        result: Tensor = 1.5 * self.net(position)
        return result


def consumer(monkeypatch: pytest.MonkeyPatch, contract: str) -> None:
    found = registry()
    entry = Consumer(name="daq", summary="", task="mini-light", format="onnx", contract=contract)
    monkeypatch.setattr(type(found), "consumers", {"daq": entry})


def test_a_consumer_is_asked_in_the_fresh_process(
    siren: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "daq_contract.py").write_text(
        "class Refuses:\n"
        "    def check(self, inputs, outputs):\n"
        "        return [f\"{outputs['logits'].shape[1]} channels are too many\"]\n"
        "class Accepts:\n"
        "    def check(self, inputs, outputs):\n"
        "        return []\n"
        "    def files(self, name, info, codec):\n"
        "        return {f'{name}.txt': info['sha256']}\n"
    )
    consumer(monkeypatch, "daq_contract:Refuses")
    with pytest.raises(ParityError, match="32 channels are too many"):
        export(siren, consumer="daq", out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    consumer(monkeypatch, "daq_contract:Accepts")
    done = export(siren, consumer="daq", out=tmp_path / "out", name="light")
    assert done.path.name == "light.onnx"
    assert (tmp_path / "out" / "light.txt").read_text() == file_digest(done.path)
    assert done.report["files"] == ["light.txt"]
    with pytest.raises(UsageError, match="loads onnx files, not ts"):
        export(siren, "ts", consumer="daq", out=tmp_path)


def test_what_cannot_be_exported_says_why(
    siren: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="'onyx' is no export format") as caught:
        export(siren, "onyx", out=tmp_path)
    assert "did you mean 'onnx'" in caught.value.remedy
    with pytest.raises(UsageError, match="classical"):
        export("mini-gan/mean-shower", "onnx", out=tmp_path)
    points = NetworkPredictor("mini-points/neighbour-net", {}, siren.learner, siren.codec)
    monkeypatch.setattr(points, "model", next(iter(registry().models_of("mini-points"))))
    with pytest.raises(UsageError, match="does not say what to deploy"):
        export(points, "onnx", out=tmp_path)


def test_learner_codec_and_deploy_name_things_alike(
    siren: NetworkPredictor, samples: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ShareLearner.predict

    def changed(change: Callable[[Mapping[str, Tensor]], object]) -> None:
        monkeypatch.setattr(
            ShareLearner,
            "predict",
            lambda self, nets, batch, context: change(original(self, nets, batch, context)),
        )

    changed(lambda outputs: outputs["logits"])
    with pytest.raises(PluginError, match=r"ShareLearner\.predict: it returns a ndarray") as caught:
        export(siren, "onnx", out=tmp_path)
    assert "logits" in caught.value.remedy
    changed(lambda outputs: {"shares": outputs["logits"]})
    with pytest.raises(PluginError, match=r"it makes shares, and Deploy\.outputs are logits"):
        export(siren, "onnx", out=tmp_path)
    changed(lambda outputs: outputs)
    monkeypatch.setattr(
        LightCodec, "encode", lambda _, table: Batch({"point": table["position"]}, {}, table.ids)
    )
    with pytest.raises(PluginError, match=r"it makes point, and Deploy\.inputs are position"):
        export(siren, "onnx", out=tmp_path, samples=samples)
    assert list(tmp_path.iterdir()) == []


def test_an_operator_without_export_is_a_parity_error(
    siren: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deciding(nn.Module):
        def forward(self, position: Tensor) -> Tensor:
            return position if position.sum().item() > 0 else position[:0]

    deploys(monkeypatch, lambda _: Deciding())
    with pytest.raises(ParityError, match="torch cannot export it"):
        export(siren, "pt2", out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_end_to_end_forgives_a_flip_at_the_threshold_but_no_more() -> None:
    ids = np.arange(2, dtype=np.uint64)
    expected = np.zeros((2, 10_000), np.uint8)
    found = expected.copy()
    found[0, 0] = 1
    columns = compare_predictions(
        Table({"id": ids, "mask": expected}), Table({"id": ids, "mask": found})
    )
    assert columns["mask"] == {"differing": pytest.approx(5e-5), "largest": 1.0, "passed": True}
    found[:, :3] = 1
    columns = compare_predictions(
        Table({"id": ids, "mask": expected}), Table({"id": ids, "mask": found})
    )
    assert not columns["mask"]["passed"]


def test_the_exported_file_says_what_it_takes(exported: Export) -> None:
    runtime = open_runtime(exported("onnx").path)
    assert runtime.header.model == "mini-light/siren"
    assert runtime({"position": np.zeros((3, 3), np.float32)})["logits"].shape == (3, 32)
