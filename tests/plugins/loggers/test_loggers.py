"""The built-in loggers against fakes that have the interface of the libraries.

Signatures and behaviour are those of tensorboard 2.21 (torch 2.15), wandb 0.31 and mlflow 3.17. The
last test takes the real TensorBoard where it is installed. Nothing here speaks to a server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from zoo.contract.logger import LoggedRun, Logger
from zoo.contract.refs import resolve
from zoo.errors import UsageError
from zoo.registry import build

Row = dict[str, Any]
MakeLogger = Callable[[LoggedRun], Logger]
CONFIG = {"training": {"batch": 8, "workers": 0}, "optimizers": {"net": {"betas": [0.9, 0.999]}}}


def lines() -> list[Row]:
    """As ``metrics.jsonl`` has them: two phases, a validation at step 2, a number that is none."""

    def train(step: int, phase: str) -> Row:
        place = {"step": step, "epoch": 0, "split": "train", "phase": phase, "updates": 1}
        return {**place, "loss": step / 8, "E(50%)": None, "seconds": step / 2}

    found = [train(step, phase) for step in (1, 2, 3) for phase in ("critic", "net")]
    held = {
        "step": 2,
        "epoch": 0,
        "split": "validation",
        "phase": "net",
        "p@1": 0.5,
        "seconds": 1.0,
    }
    return [*found[:4], held, *found[4:]]


def logged(path: Path, history: list[Row], **config: Any) -> LoggedRun:
    resumed = history[-1]["step"] if history else 0
    return LoggedRun(
        path=path, model="toy/net", config=CONFIG | config, resumed=resumed, history=history
    )


def killed_and_resumed(make: MakeLogger, path: Path) -> None:
    """Six lines are shown; the checkpoint knows four; the validation comes again, then the rest."""
    path.mkdir()
    first = make(logged(path, []))
    for row in lines()[:6]:
        first.row(row)
    resumed = make(logged(path, lines()[:4], engine={"device": "cpu"}))
    for row in lines()[4:]:
        resumed.row(row)
    resumed.close("finished")


def expected(name: Callable[[str], str] = lambda name: name) -> dict[str, list[tuple[int, float]]]:
    """Every finite number once."""
    points: dict[str, list[tuple[int, float]]] = {}
    for row in lines():
        for key, value in row.items():
            if isinstance(value, int | float) and key != "step":
                full = name(f"{row['split']}/{row['phase']}/{key}")
                points.setdefault(full, []).append((row["step"], value))
    return points


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., MakeLogger]:
    """Imports a logger anew beside modules of these names; ``None``: not installed."""

    def found(logger: str, modules: Mapping[str, ModuleType | None]) -> MakeLogger:
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, cast("ModuleType", module))
        registry = build([EntryPoint("loggers", "zoo_loggers.plugin", "zoo.plugins")])
        ref = registry.logger(logger)
        monkeypatch.delitem(sys.modules, ref.partition(":")[0], raising=False)
        return cast("MakeLogger", resolve(ref))

    return found


def module(name: str, **contents: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(contents)
    return made


def test_the_plugin_imports_none_of_the_libraries() -> None:
    found = build([EntryPoint("loggers", "zoo_loggers.plugin", "zoo.plugins")])
    assert not found.broken
    assert list(found.loggers) == ["mlflow", "tensorboard", "wandb"]


@pytest.mark.parametrize(
    ("logger", "library"),
    [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb"), ("mlflow", "mlflow")],
)
def test_a_missing_library_has_its_remedy(
    use: Callable[..., MakeLogger], logger: str, library: str
) -> None:
    with pytest.raises(UsageError, match="its library cannot be imported") as caught:
        use(logger, {library: None})
    assert caught.value.remedy == f"pip install 'detector-zoo[{logger}]'"


class FakeWriter:
    """``SummaryWriter``; what TensorBoard would show of all event files of a folder."""

    shown: dict[str, list[tuple[int, float]]]
    times: list[float]
    texts: list[tuple[str, str]]

    def __init__(  # noqa: PLR0917  # as it is there
        self,
        log_dir: str | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        self.folder, self.open = log_dir, True
        if purge_step is not None:
            for points in self.shown.values():
                points[:] = [point for point in points if point[0] < purge_step]

    def add_scalar(  # noqa: PLR0917  # likewise
        self,
        tag: str,
        scalar_value: float,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        assert self.open
        assert global_step is not None
        assert walltime is not None
        self.shown.setdefault(tag, []).append((global_step, scalar_value))
        self.times.append(walltime)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        self.texts.append((tag, text_string))

    def flush(self) -> None:
        assert self.open

    def close(self) -> None:
        self.open = False


def test_tensorboard(use: Callable[..., MakeLogger], tmp_path: Path) -> None:
    writer = type("SummaryWriter", (FakeWriter,), {"shown": {}, "times": [], "texts": []})
    name = "torch.utils.tensorboard"
    make = use("tensorboard", {name: module(name, SummaryWriter=writer)})
    killed_and_resumed(make, tmp_path / "run")
    assert writer.shown == expected()
    # The axis of time is the log's: from step 1 to step 3 a second.
    again = writer.times[-sum(map(len, expected().values())) :]
    assert again[-1] - again[0] == pytest.approx(1.0)
    assert writer.texts[0][0] == "toy/net"
    assert '"batch": 8' in writer.texts[0][1]


class FakeWandb:
    """``wandb`` with its server: a step below the next one is dropped."""

    def __init__(self) -> None:
        self.runs: dict[str, Any] = {}
        self.Settings = lambda *, console: {"console": console}

    def init(  # noqa: PLR0917  # likewise
        self,
        project: str | None = None,
        dir: str | None = None,  # noqa: A002  # its name there
        id: str | None = None,  # noqa: A002
        name: str | None = None,
        config: dict[str, Any] | None = None,
        allow_val_change: bool | None = None,
        resume: str | None = None,
        settings: Any = None,
    ) -> Any:
        assert id is not None
        assert config is not None
        if id not in self.runs:
            self.runs[id] = FakeWandbRun()
        run = self.runs[id]
        assert resume == "allow"
        if not allow_val_change:
            assert not run.config or run.config == config
        run.config, run.made, run.exit = config, (project, name, dir, settings), None
        return run


class FakeWandbRun:
    def __init__(self) -> None:
        self.step, self.config, self.exit = 0, {}, None
        self.rows: list[Row] = []
        self.metrics: dict[str, str | None] = {}

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.metrics[name] = step_metric

    def log(self, data: Row, step: int | None = None, commit: bool | None = None) -> None:
        assert step is not None
        if step >= self.step:
            self.rows.append(data)
            self.step = step + 1

    def finish(self, exit_code: int | None = None) -> None:
        self.exit = exit_code


@pytest.mark.parametrize("project", ["", "mine"])
def test_wandb(
    use: Callable[..., MakeLogger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", project)
    fake = FakeWandb()
    make = use("wandb", {"wandb": module("wandb", init=fake.init, Settings=fake.Settings)})
    killed_and_resumed(make, tmp_path / "run")
    (run,) = fake.runs.values()
    folder = str(tmp_path / "run")
    assert run.made == (project or "toy", "run", folder, {"console": "off"})
    assert run.config["model_id"] == "toy/net"
    assert run.metrics == {"step": None, "*": "step"}
    assert run.exit == 0
    points: dict[str, list[tuple[int, float]]] = {}
    for row in run.rows:
        for name, value in row.items():
            if name != "step":
                points.setdefault(name, []).append((row["step"], value))
    assert points == expected()
    make(logged(tmp_path / "run", lines())).close("interrupted")
    assert len(fake.runs) == 1
    assert run.exit == 1
    assert len(run.rows) == len(lines())


class FakeMlflow:
    """``mlflow`` with its server: every point is kept; equal parameters may be set again."""

    def __init__(self) -> None:
        self.runs: dict[str, Any] = {}
        self.active: Any = None

    def start_run(self, run_id: str | None = None, run_name: str | None = None) -> Any:
        if run_id is None:
            run_id = f"r{len(self.runs)}"
            data = SimpleNamespace(metrics={}, params={})
            info = SimpleNamespace(run_id=run_id, run_name=run_name, status="RUNNING")
            self.runs[run_id] = SimpleNamespace(info=info, data=data, points={})
        self.active = self.runs[run_id]
        return self.active

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert step is not None
        for name, value in metrics.items():
            assert not set(name) & set("@%(),"), name  # the server refuses such names
            self.active.points.setdefault(name, []).append((step, value))
            self.active.data.metrics[name] = value

    def log_params(self, params: dict[str, Any]) -> None:
        assert len(params) <= 100
        assert all(len(value) <= 500 for value in params.values())
        self.active.data.params |= params

    def end_run(self, status: str = "FINISHED") -> None:
        self.active.info.status, self.active = status, None


def test_mlflow(use: Callable[..., MakeLogger], tmp_path: Path) -> None:
    fake = FakeMlflow()
    names = ("start_run", "log_metrics", "log_params", "end_run")
    make = use("mlflow", {"mlflow": module("mlflow", **{n: getattr(fake, n) for n in names})})
    killed_and_resumed(make, tmp_path / "run")
    (run,) = fake.runs.values()
    assert run.info.run_name == "run"
    assert run.info.status == "FINISHED"
    counter = run.points.pop("lines")
    assert counter == [(row["step"], line) for line, row in enumerate(lines(), start=1)]
    assert run.points == expected(lambda name: name.replace("@", "_"))
    assert run.data.params == {
        "model_id": "toy/net",
        "training.batch": "8",
        "training.workers": "0",
        "optimizers.net.betas": "[0.9, 0.999]",
    }
    for outcome, status in (("interrupted", "KILLED"), ("failed", "FAILED")):
        make(logged(tmp_path / "run", lines())).close(outcome)
        assert run.info.status == status
    assert len(fake.runs) == 1


def test_mlflow_takes_a_long_configuration_in_pieces(
    use: Callable[..., MakeLogger], tmp_path: Path
) -> None:
    fake = FakeMlflow()
    make = use(
        "mlflow", {"mlflow": module("mlflow", start_run=fake.start_run, log_params=fake.log_params)}
    )
    (tmp_path / "run").mkdir()
    make(logged(tmp_path / "run", [], model={f"p{n}": "x" * 600 for n in range(150)}))
    (run,) = fake.runs.values()
    assert len(run.data.params) == 4 + 150


def test_the_real_tensorboard(use: Callable[..., MakeLogger], tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs detector-zoo[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    killed_and_resumed(use("tensorboard", {}), tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    shown = {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    assert shown == expected()
