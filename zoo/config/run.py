"""The sections of a training's configuration."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal, TypeAlias

from pydantic import ByteSize, Field, JsonValue, create_model, model_validator
from pydantic_core import PydanticCustomError

from zoo.config.base import Config

__all__ = [
    "CONFLICT",
    "NOT_SAMPLES",
    "DataConfig",
    "EngineConfig",
    "OptimizerConfig",
    "RunConfig",
    "ScheduleConfig",
    "TrainingConfig",
    "run_config",
]

CONFLICT = "conflict"
"""Type of a validation error whose context names ``fields`` that cannot be set together."""

NOT_SAMPLES = frozenset({"validation", "test", "window", "memory"})
"""Settings of ``data`` that do not decide the samples: shares of splits, order, reading."""

Count: TypeAlias = Annotated[int, Field(ge=0)]
Positive: TypeAlias = Annotated[int, Field(ge=1)]
Fraction: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Seed: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]


class DataConfig(Config):
    """Where samples come from and how they are split."""

    source: str = ""
    """Name of a source of the task; empty: a file that zoo wrote."""
    path: str = ""
    """File or folder that the source reads."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings of the source itself."""
    events: Count = 0
    """Simulator: number of events (keys)."""
    seed: Seed = 0
    """Simulator: which events; different seeds give independent ones."""
    upstream: DataConfig | None = None
    """Link: where the upstream task's samples come from."""
    model: str = ""
    """Link: id or run of the model that predicts the upstream samples."""
    validation: Fraction = 0.1
    """Share of the groups for validation."""
    test: Fraction = 0.1
    """Share of the groups for the test."""
    window: Positive = 16
    """Blocks whose rows are shuffled together."""
    memory: Literal["auto", "stream", "ram"] = "auto"
    """Decoded blocks that each process which reads keeps, in a training. stream: those of a window,
    so that memory does not grow with the data; ram: all, read once; auto: up to 256 MiB."""

    @model_validator(mode="after")
    def _leaves_training_data(self) -> DataConfig:
        if self.validation + self.test >= 1:
            raise PydanticCustomError("shares", "validation + test must be below 1")
        return self


def _refuse_unused(config: Config, kind: str, uses: dict[str, tuple[str, ...]]) -> None:
    """A setting that is silently ignored misleads: refuse what this kind does not read."""
    unused = [
        name
        for name, kinds in uses.items()
        if kind not in kinds and getattr(config, name) != type(config).model_fields[name].default
    ]
    if unused:
        raise PydanticCustomError(
            CONFLICT,
            "{kind} does not use {names}",
            {"kind": kind, "names": ", ".join(unused), "fields": ["kind", *unused]},
        )


_SCHEDULE_USES = {
    "final": ("cosine", "linear"),
    "factor": ("step", "plateau", "exponential"),
    "every": ("step",),
    "patience": ("plateau",),
}


class ScheduleConfig(Config):
    """How the learning rate changes; ``warmup`` rises linearly to it first, for every kind."""

    kind: Literal["constant", "linear", "cosine", "step", "exponential", "plateau"] = "constant"
    """Law of the decay."""
    unit: Literal["step", "epoch"] = "step"
    """What ``warmup``, ``every`` and the exponent of ``exponential`` count."""
    warmup: Count = 0
    """Length of the linear rise from zero."""
    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    """cosine, linear: learning rate at the end, as a fraction of the first."""
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """step, plateau, exponential: what the rate is multiplied with."""
    every: Positive = 1000
    """step: distance between two drops."""
    patience: Count = 10
    """plateau: validations without improvement before a drop."""

    @model_validator(mode="after")
    def _uses_what_is_set(self) -> ScheduleConfig:
        _refuse_unused(self, self.kind, _SCHEDULE_USES)
        return self


_OPTIMIZER_USES = {
    "momentum": ("sgd", "rmsprop"),
    "nesterov": ("sgd",),
    "betas": ("adam", "adamw"),
    "eps": ("adam", "adamw", "rmsprop"),
    "alpha": ("rmsprop",),
}


class OptimizerConfig(Config):
    """One optimizer: the parameters it drives, its rule and its schedule."""

    kind: Literal["sgd", "adam", "adamw", "rmsprop"] = "adamw"
    """Update rule, as in ``torch.optim``."""
    lr: Annotated[float, Field(gt=0, le=1e3)] = 1e-3
    """Learning rate."""
    momentum: Fraction = 0.0
    """sgd, rmsprop: momentum."""
    nesterov: bool = False
    """sgd: Nesterov's momentum."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """adam, adamw: decay of the two running means."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """adam, adamw, rmsprop: added to the denominator."""
    alpha: Fraction = 0.99
    """rmsprop: decay of the running mean of squares."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """L2 penalty; decoupled for adamw."""
    networks: tuple[str, ...] = ()
    """Networks it drives; empty: the one that has the optimizer's name."""
    clip: Annotated[float, Field(gt=0)] | None = None
    """Largest gradient norm; none: unbounded."""
    schedule: ScheduleConfig = ScheduleConfig()
    """How the learning rate changes."""

    @model_validator(mode="after")
    def _uses_what_is_set(self) -> OptimizerConfig:
        _refuse_unused(self, self.kind, _OPTIMIZER_USES)
        return self


class TrainingConfig(Config):
    """How long to train, in which portions, and when to look. One step is one update."""

    batch: Positive = 16
    """Samples of one micro-batch over all processes."""
    epochs: Positive | None = None
    """Passes over the training split; 10 unless ``epochs`` or ``steps`` is set."""
    steps: Positive | None = None
    """Updates; instead of ``epochs``."""
    accumulate: Positive | Literal["epoch"] = 1
    """Micro-batches of one update, or the whole epoch."""
    seed: Seed = 0
    """Seed of the initial parameters, the order and all noise."""
    workers: Count = 0
    """Processes that read and encode; zero: the training process itself."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Autocast; auto: bf16 on a GPU, fp32 on a CPU."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Decay of an exponential moving average of the parameters, which is then what is judged."""
    patience: Positive | None = None
    """Validations without improvement before the training stops early."""
    validate_every: Count = 0
    """Steps between validations; zero: after each epoch."""
    checkpoint_every: Count = 0
    """Steps between checkpoints; zero: by time only."""
    checkpoint_seconds: Annotated[float, Field(gt=0)] = 300.0
    """Seconds between checkpoints."""
    snapshot_every: Count = 0
    """Steps between kept snapshots; zero: none but the selected."""
    max_time: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which the training saves and stops, to be resumed."""
    log_every: Positive = 10
    """Steps between lines of the log."""
    loggers: tuple[str, ...] = ()
    """Where these lines are shown too: tensorboard, wandb, mlflow, or a logger of a plugin."""

    @model_validator(mode="before")
    @classmethod
    def _ten_epochs_by_default(cls, values: object) -> object:
        if isinstance(values, dict) and not {"epochs", "steps"} & values.keys():
            return {**values, "epochs": 10}
        return values

    @model_validator(mode="after")
    def _one_length(self) -> TrainingConfig:
        if (self.epochs is None) == (self.steps is None):
            raise PydanticCustomError(
                CONFLICT, "set exactly one of epochs and steps", {"fields": ["epochs", "steps"]}
            )
        return self


class EngineConfig(Config):
    """Where to compute."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, cuda or cuda:N."""
    compile: bool = False
    """torch.compile, where the model declares it safe; compared in the first step."""
    channels_last: bool = False
    """Convolutions over images keep their channels innermost: faster or slower, by network,
    precision and machine; results differ in rounding."""
    pieces: Positive = 1
    """Parts in which a process computes its share of a micro-batch, one after the other: less
    memory, the same gradient. Not for batch normalisation, which needs the whole."""
    chunk: Positive | None = None
    """Rows that ``zoo.api.chunked`` computes at a time where the model sets none; none: all."""
    max_memory: ByteSize | None = None
    """Memory of a process, as 7GiB: ``pieces`` and ``chunk`` are then chosen, whatever they say. Of
    a GPU what torch's tensors take, else resident memory without workers."""
    threads: Positive | None = None
    """CPU threads of one process; none: what torch chooses."""
    reproducible: bool = False
    """The same bits on any number of processes that divides ``shards``; slower."""
    shards: Positive = 4
    """reproducible: parts of each micro-batch, summed in their order."""
    batch_norm: Literal["synchronised", "local"] = "synchronised"
    """Several processes: statistics of the whole micro-batch, or of what a process has of it.
    A reproducible training takes those of a shard."""
    audit: bool = True
    """Check in the first steps that several processes have the same gradients and parameters, and
    that they, compiled networks and pieces have the gradient of the plain computation."""

    @model_validator(mode="after")
    def _one_way_to_cut(self) -> EngineConfig:
        if self.reproducible and self.pieces > 1:
            raise PydanticCustomError(
                CONFLICT,
                "a reproducible training is cut by engine.shards, whatever engine.pieces says",
                {"fields": ["reproducible", "pieces"]},
            )
        return self


class RunConfig(Config):
    """Everything that decides a training; ``model`` is the model's own class."""

    model: Config = Config()
    """Settings of the network, its codec and its learner."""
    data: DataConfig = DataConfig()
    """Where samples come from."""
    optimizers: dict[str, OptimizerConfig] = Field(
        default_factory=lambda: {"net": OptimizerConfig()}
    )
    """Optimizers by name; a learner's phase names the one that an update drives."""
    training: TrainingConfig = TrainingConfig()
    """How long to train and when to look."""
    engine: EngineConfig = EngineConfig()
    """Where to compute."""


@cache
def run_config(model_config: type[Config]) -> type[RunConfig]:
    """The run configuration of a model with this config class."""
    section = (model_config, Field(default_factory=model_config, description="The model."))
    return create_model(f"Run{model_config.__name__}", __base__=RunConfig, model=section)
