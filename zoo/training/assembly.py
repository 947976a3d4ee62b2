"""Everything a training needs, put together from a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from torch import nn

from zoo.artifacts.run_directory import RunDirectory
from zoo.config.run import RunConfig
from zoo.contract.codec import Codec
from zoo.contract.learning import LearnerProtocol
from zoo.contract.refs import resolve
from zoo.contract.source import Block, Source
from zoo.contract.specs import Specs
from zoo.data.checks import require_finite
from zoo.data.failures import plugin_code
from zoo.data.linked import upstream_models
from zoo.data.reader import read_split
from zoo.data.splits import SPLIT_SEED, Split, split_blocks, split_digest
from zoo.engine.distributed import World
from zoo.engine.layout import channels_innermost
from zoo.engine.learner import Learner
from zoo.errors import PluginError
from zoo.prediction.compatibility import require_samples
from zoo.prediction.sources import open_source
from zoo.training.parts import Parts
from zoo.training.record import Records
from zoo.training.start import freeze, load_start

__all__ = ["Assembly", "Start", "assemble"]


@dataclass(frozen=True)
class Start:
    """Where parameters begin.

    Attributes:
        file: A model file, or nothing.
        digest: Its sha256; empty without.
        frozen: Patterns of parameters that stay as they are.
    """

    file: Path | None = None
    digest: str = ""
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A model, its data and its networks on their device.

    Attributes:
        chunk: Rows that ``chunked`` computes at a time; ``None``: all.
    """

    parts: Parts
    config: RunConfig
    world: World
    source: Source
    splits: Mapping[Split, Sequence[Block]]
    networks: dict[str, nn.Module]
    learner: LearnerProtocol
    codec: Codec
    records: Records
    chunk: int | None


def assemble(
    parts: Parts,
    config: RunConfig,
    *,
    run: RunDirectory,
    world: World,
    start: Start,
    tell: Callable[[str], None],
) -> Assembly:
    """Open the source, split it, build the networks, fit the codec.

    Raises:
        ConfigError, DataError, PluginError, WeightsError: If an input is wrong, on any process.
    """
    source = world.together(lambda: open_source(parts.task.name, config.data))
    splits = world.together(
        lambda: split_blocks(source.blocks(), config.data.validation, config.data.test, SPLIT_SEED)
    )
    networks = parts.networks(config.model, source.facts, config.training.seed)
    if start.file is not None:
        tell(f"{start.file}: {load_start(networks, start.file)}")
    learner = parts.learner(config.model, source.facts)
    records = Records(
        run=run,
        parts=parts,
        config=config.model_dump(mode="json"),
        facts=source.facts,
        split=split_digest(splits),
        upstream=[*upstream_models(source), *world.together(lambda: _upstream_of(learner))],
        start=start.digest,
        frozen=freeze(networks, start.frozen),
    )

    def describe() -> None:
        if world.main:
            records.describe_data(source, splits)
            _fit_codec(parts, config, source, splits["train"], records)

    world.together(describe)
    constants = records.constants()
    if constants is None:
        raise PluginError("what rank 0 wrote is not visible to this process", where=str(run.path))
    for module in (*networks.values(), learner):
        if isinstance(module, nn.Module):
            module.to(world.device)
            if config.engine.channels_last:
                channels_innermost(module)
    return Assembly(
        parts=parts,
        config=config,
        world=world,
        source=source,
        splits=splits,
        networks=networks,
        learner=learner,
        codec=parts.codec(config.model, source.facts, constants),
        records=records,
        chunk=config.engine.chunk,
    )


def _upstream_of(learner: LearnerProtocol) -> list[dict[str, str]]:
    """What identifies the models that a learner asks."""
    if not isinstance(learner, Learner):
        return []
    with plugin_code(f"{type(learner).__name__}.upstream"):
        return [dict(model) for model in learner.upstream()]


def _fit_codec(
    parts: Parts, config: RunConfig, source: Source, training: Sequence[Block], records: Records
) -> None:
    """Keep constants fitted to the training split, once in the life of a run."""
    if records.constants() is None:
        unfitted = parts.codec(config.model, source.facts, {})
        fields = unfitted.needs | unfitted.targets
        require_samples(parts.task, source, fields, config.data.path or config.data.source)
        specs = cast("Specs", resolve(parts.task.sample))
        tables = (
            require_finite(table, specs, source) for table in read_split(source, training, fields)
        )
        with plugin_code(parts.codec.__name__):
            constants = parts.codec.fit(config.model, source.facts, tables)
        records.keep_constants(constants)
