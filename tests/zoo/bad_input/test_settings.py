"""Names, settings and options that do not exist, or have a value that they cannot have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
"""A command; it returns the `Done` of conftest.py."""


@pytest.mark.parametrize(
    ("words", "name", "near"),
    [
        (("train", "mini-track/pad-nte"), "mini-track/pad-nte", "'mini-track/pad-net'"),
        (("info", "mini-track/centriod"), "mini-track/centriod", "'mini-track/centroid'"),
        (("eval", "mini-trakc/pad-net", "--data", "x.h5"), "mini-trakc/pad-net", "pad-net'"),
        (("data", "check", "mini-trakc", "--data", "x.h5"), "mini-trakc", "'mini-track'"),
        (("data", "simulate", "dnn-rio", "--data", "cosmics"), "dnn-rio", "'dnn-roi'"),
    ],
)
def test_an_unknown_id(zoo: Call, words: Sequence[str], name: str, near: str) -> None:
    more = ("--events", 1, "--out", "x.h5") if "simulate" in words else ()
    code = 2 if words[0] == "eval" else 3  # a path could be meant: no plugin is missing
    zoo(*words, *more).failed(code, where=name, says="no such", remedy=near)


def test_an_unknown_command_and_an_unknown_option(zoo: Call) -> None:
    zoo("trian").failed(2, where="zoo", says="'train'", remedy="zoo --help")
    unknown = zoo("train", "mini-track/pad-net", "--dta", "x")
    unknown.failed(2, where="zoo train", says="--dta", remedy="zoo train --help")
    zoo("predict", "mini-track/centroid").failed(2, where="zoo predict", says="--out")


@pytest.mark.parametrize(
    ("setting", "where", "near"),
    [
        ("training.bacth=3", "training.bacth (from --set)", "'batch'"),
        ("model.widht=8", "model.widht (from --set)", "'width'"),
        ("optimizers.net.lrr=1", "optimizers.net.lrr (from --set)", "'lr'"),
        ("trainning.batch=3", "trainning (from --set)", "'training'"),
    ],
)
def test_an_unknown_key(train: Call, setting: str, where: str, near: str, tmp_path: Path) -> None:
    train("--set", setting).failed(2, where=where, says="no such setting", remedy=near)
    assert not (tmp_path / "new").exists()


def test_an_unknown_key_of_a_file_and_of_the_environment(
    train: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "mine.toml"
    config.write_text("[training]\nepochz = 3\n")
    where = "training.epochz (from file mine.toml)"
    train("--config", config).failed(2, where=where, remedy="'epochs'")
    monkeypatch.setenv("ZOO_SET__training__bacth", "3")
    train().failed(2, where="training.bacth (from environment)", remedy="'batch'")


@pytest.mark.parametrize(
    ("setting", "where", "says", "remedy"),
    [
        ("model.width=wide", "model.width", "'wide'", "integer"),
        ("training.batch=-1", "training.batch", "-1", "greater than or equal to 1"),
        ("training.batch=[3]", "training.batch", "[3]", "integer"),
        ("optimizers.net.kind=adamm", "optimizers.net.kind", "'adamm'", "'adamw'"),
        ("data=3", "data", "3", "table"),
        ("engine.device=gpu", "engine.device", "'gpu'", "cuda"),
    ],
)
def test_a_value_of_the_wrong_type(
    train: Call, setting: str, where: str, says: str, remedy: str
) -> None:
    train("--set", setting).failed(2, where=f"{where} (from --set)", says=says, remedy=remedy)


def test_several_wrong_settings_are_told_together(train: Call) -> None:
    done = train("--set", "training.bacth=3", "--set", "model.width=wide")
    error = done.failed(2, where="training.bacth", says="'batch'", remedy="each")
    assert "model.width (from --set)" in error["where"]


def test_epochs_and_steps(train: Call) -> None:
    both = ("--set", "training.epochs=1", "--set", "training.steps=2")
    train(*both).failed(2, where="training (from --set)", says="exactly one", remedy="epochs")


def test_an_unknown_recipe(train: Call) -> None:
    train("--recipe", "qiuck").failed(2, where="qiuck", says="recipe", remedy="'quick'")


def test_a_config_file_that_is_no_toml_and_one_that_is_missing(train: Call, tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text("[training\nbatch = 3")
    train("--config", config).failed(2, where=config, says="line 1", remedy="line")
    config.write_bytes(b"\xff\xfe\x00")
    train("--config", config).failed(2, where=config, says="cannot be read")
    train("--config", tmp_path).failed(2, where=tmp_path, says="cannot be read")
    absent = tmp_path / "absent.toml"
    train("--config", absent).failed(2, where=absent, says="No such file", remedy="path")


def test_a_pattern_that_freezes_nothing(train: Call, tmp_path: Path) -> None:
    done = train("--freeze", "net/encoder.*")
    done.failed(2, where="--freeze 'net/encoder.*'", says="no parameter", remedy="net/body.0")
    assert train("--freeze", "net/body.0.*", "--set", "training.steps=1").code == 0


def test_options_of_a_simulator(zoo: Call, tmp_path: Path) -> None:
    out = tmp_path / "tracks.h5"

    def simulate(*words: object, source: str = "tracks", events: object = 3) -> Any:
        basis = ("data", "simulate", "mini-track", "--data", source, "--events", events)
        return zoo(*basis, "--out", out, "--workers", 1, *words)

    where = "data.options.noise"
    simulate("--set", f"{where}=loud").failed(2, where=where, says="'loud'", remedy="number")
    simulate("--set", f"{where[:-1]}=3").failed(2, where=where[:-1], remedy="'noise'")
    simulate("--set", "training.batch=3").failed(2, where="--set training", remedy="--set data.")
    simulate("--set", "noise").failed(2, where="--set noise", says="assignment", remedy="a.b=value")
    simulate(events=-5).failed(2, where="zoo data simulate", says="--events")
    simulate(events="many").failed(2, where="zoo data simulate", says="integer")
    simulate(source="trakcs").failed(2, where="trakcs", says="source", remedy="'tracks'")
    simulate("--seed", -1).failed(2, where="zoo data simulate", says="--seed")
    assert list(tmp_path.iterdir()) == []
    assert simulate().code == 0


def test_sources_of_a_training(train: Call, zoo: Call, tmp_path: Path) -> None:
    train(data="trakcs").failed(2, where="trakcs", says="no such source", remedy="'tracks'")
    train(data="tracks").failed(2, where="tracks", says="events", remedy="data.events=")
    train(data="").failed(2, where="mini-track", says="no data", remedy="--data")
    train("--set", "data.events=-1").failed(2, where="data.events", says="-1", remedy="0")
    no_path = zoo("data", "check", "dnn-roi", "--data", "real-charge")
    no_path.failed(2, where="real-charge", says="path", remedy="SOURCE:PATH")


def test_a_mistake_in_the_data_does_not_occupy_the_run_directory(
    train: Call, tmp_path: Path
) -> None:
    absent = tmp_path / "absent.h5"
    train(data=absent).failed(4, where=absent, says="no such file", remedy="path")
    assert train("--set", "training.steps=1").code == 0


def test_an_unknown_split_snapshot_number_and_batch(zoo: Call, run: Path, tmp_path: Path) -> None:
    zoo("eval", run, "--split", "tset").failed(2, where="tset", says="split", remedy="'test'")
    predict = ("predict", run, "--out", tmp_path / "p.h5")
    zoo(*predict, "--split", "trian").failed(2, where="trian", says="split", remedy="'train'")
    zoo("eval", f"{run}@7").failed(2, where=run, says="step 7", remedy="snapshot")
    claim = "mini-track/centroid:resolutoin"
    done = zoo("eval", run, "--split", "all", "--resamples", 5, "--beats", claim)
    done.failed(2, where="resolutoin", says="no such number", remedy="'resolution'")
    zoo("eval", run, "--batch", 0).failed(2, where="zoo eval", says="--batch")
    zoo("eval", run, run, "--split", "all").failed(2, where=run, says="twice", remedy="once")
    zoo("eval", run, "--device", "gpu").failed(2, where="engine.device", says="gpu", remedy="cuda")


def test_models_of_two_tasks_in_one_table(zoo: Call, run: Path) -> None:
    done = zoo("eval", run, "mini-light/inverse-square")
    done.failed(2, where="mini-light/inverse-square", says="two tasks", remedy="own")


def test_reports_and_exports_of_what_has_none(zoo: Call, run: Path, tmp_path: Path) -> None:
    zoo("report", tmp_path).failed(2, where=tmp_path, says="neither a run", remedy="zoo train")
    absent = tmp_path / "absent"
    zoo("report", absent).failed(2, where=absent, says="neither a run", remedy="zoo train")
    out = ("--out", tmp_path / "export")
    classical = zoo("export", "mini-track/centroid", "--format", "onnx", *out)
    classical.failed(2, where="mini-track/centroid", says="classical", remedy="run")
    zoo("export", run, *out).failed(2, where="--format", says="neither", remedy="onnx")
    wrong = zoo("export", run, "--format", "onx", *out)
    wrong.failed(2, where="onx", says="format", remedy="'onnx'")
    unknown = zoo("export", run, "--for", "wirecel", *out)
    unknown.failed(3, where="wirecel", says="consumer", remedy="'wirecell'")
    foreign = zoo("export", run, "--for", "wirecell", *out)
    foreign.failed(2, where="wirecell", says="dnn-roi", remedy="zoo info")
    assert not (tmp_path / "export").exists()


def test_training_what_cannot_be_trained(train: Call) -> None:
    done = train(model="mini-track/centroid")
    done.failed(2, where="mini-track/centroid", says="classical", remedy="zoo eval")


def test_another_training_into_a_run_directory(zoo: Call, run: Path, tracks: Path) -> None:
    words = ("train", "mini-track/pad-net", "--data", tracks, "--out", run)
    other = zoo(*words, "--set", "training.steps=9")
    other.failed(2, where=run, says="training.steps", remedy="--out")


def test_a_folder_that_holds_something_else(train: Call, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.tex").write_text("years of work")
    train().failed(2, where=tmp_path / "new", says="no run", remedy="--out")
    assert (tmp_path / "new" / "thesis.tex").read_text() == "years of work"
