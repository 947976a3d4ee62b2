"""What a training writes about itself: its identity, its data, its model files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.artifacts.canonical import digest
from zoo.artifacts.environment import environment
from zoo.artifacts.model_file import ModelRecord, read_model, write_model
from zoo.artifacts.run_directory import RunDirectory
from zoo.config.layers import Resolved
from zoo.config.migration import migrated
from zoo.config.toml import dump_toml, schema
from zoo.contract.source import Block, Source
from zoo.contract.task import API_VERSION
from zoo.data.splits import Split
from zoo.errors import DataError, UsageError
from zoo.registry import registry
from zoo.training.parts import Parts

__all__ = ["Records", "open_run"]

MAY_CHANGE = (
    "data.memory",
    "engine.audit",
    "engine.chunk",
    "engine.device",
    "engine.max_memory",
    "engine.pieces",
    "engine.threads",
    "training.checkpoint_every",
    "training.checkpoint_seconds",
    "training.loggers",
    "training.max_time",
    "training.workers",
)
"""Settings that do not decide the result: a resumed training may have others."""

_CONSTANTS = "constants.safetensors"


def open_run(
    out: Path, parts: Parts, resolved: Resolved, identity: Mapping[str, Any]
) -> RunDirectory:
    """The run directory of this training, new or to be resumed.

    Args:
        out: Its folder.
        parts: The model.
        resolved: The configuration.
        identity: What else decides the result: model, starting weights, frozen parameters.

    Raises:
        UsageError: If the folder holds something else or another training, naming the settings.
    """
    identity = {**identity, "config": resolved.config.model_dump(mode="json")}
    if not RunDirectory.is_run(out):
        return _create(out, parts, resolved, identity)
    run = RunDirectory.open(out)
    told, changes = _of_today(run.identity(), parts)
    if changes and not run.model.exists():  # its checkpoints are those of the old settings
        raise UsageError(
            f"this training was begun by an older version: {'; '.join(changes)}",
            where=str(out),
            remedy="finish it with that version, or begin another one, --from its last snapshot",
        )
    before, now = _decisive(told), _decisive(identity)
    untold = now.keys() - before.keys()
    before |= {name: now[name] for name in untold if _is_default(name, resolved.provenance)}
    names = sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n))
    refused = [name.removeprefix("config.") for name in names]
    if (refused or not run.complete) and not (out / _CONSTANTS).exists():
        # It failed before its first step and now the mistake is corrected, or it was killed there.
        run.discard()
        return _create(out, parts, resolved, identity)
    if refused:
        raise UsageError(
            f"holds a training with other settings: {', '.join(refused)}",
            where=str(out),
            remedy="use the settings of its config.toml to resume it, or another --out",
        )
    with suppress(OSError):  # a disk that must not be written is told where it matters
        run.remove_torn()
    return run


def _of_today(identity: Mapping[str, Any], parts: Parts) -> tuple[Mapping[str, Any], Sequence[str]]:
    """What decides a run, in the settings of this version, and what was changed for it."""
    config = identity.get("config", {})
    model = config.get("model") if isinstance(config, Mapping) else None
    if not isinstance(model, Mapping):
        return identity, ()
    model, changes = migrated(parts.config, model, whole=True)
    return {**identity, "config": {**config, "model": model}}, changes


def _create(
    out: Path, parts: Parts, resolved: Resolved, identity: Mapping[str, Any]
) -> RunDirectory:
    plugin = registry().owner(parts.task.name)
    return RunDirectory.create(
        out,
        identity=identity,
        config=dump_toml(resolved.config, resolved.provenance),
        schema=schema(parts.config),
        environment=environment([plugin.distribution] if plugin.distribution else []),
    )


@dataclass(frozen=True)
class Records:
    """Writes what must be the same in every model file of one training.

    Attributes:
        run: Where to.
        parts: The model.
        config: The whole run configuration as JSON.
        facts: Of the training data.
        split: Digest of the split.
        upstream: Models whose predictions the samples are made from, then those that the learner
            asks: id, file name, sha256.
        start: sha256 of the starting weights; empty: none.
        frozen: Names of frozen parameters.
    """

    run: RunDirectory
    parts: Parts
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    split: str
    upstream: Sequence[Mapping[str, str]]
    start: str
    frozen: Sequence[str]

    def describe_data(self, source: Source, splits: Mapping[Split, Sequence[Block]]) -> None:
        """Write ``data.json``, or check that a resumed training still has the same data.

        Raises:
            DataError: If facts, split or an upstream model differ.
        """
        description = {
            "source": self.config["data"],
            "kind": type(source).__name__,
            "facts": digest(self.facts),
            "split": self.split,
            "upstream": list(self.upstream),
            "rows": {name: sum(b.rows for b in blocks) for name, blocks in splits.items()},
            "groups": {name: len({b.group for b in blocks}) for name, blocks in splits.items()},
        }
        if not self.run.data.exists():
            self.run.write_data(description)
            return
        before = self.run.read_json(self.run.data, ("facts", "split", "rows"))
        self._require_upstream(before.get("upstream", []))
        changed = [name for name in ("facts", "split", "rows") if before[name] != description[name]]
        if changed:
            raise DataError(
                f"the data have changed since this training began: {', '.join(changed)}",
                where=str(self.run.path),
                remedy="restore them, or start again with another --out",
            )

    def _require_upstream(self, before: Sequence[Mapping[str, str]]) -> None:
        for then, now in zip(before, self.upstream, strict=False):
            if then != now:
                raise DataError(
                    f"the upstream model {then['model']} has changed since this training began: "
                    f"its {then['file'] or 'file'} was {_short(then)}, now it is {_short(now)}",
                    where=str(self.run.path),
                    remedy="restore that model, or start again with another --out",
                )

    @property
    def training(self) -> str:
        """A digest of all that decides the result, for checkpoints."""
        return digest({"model": self.parts.id, **self._lineage(0)})

    def constants(self) -> Mapping[str, Any] | None:
        """What the codec was fitted to when this training began; ``None``: not yet."""
        path = self.run.path / _CONSTANTS
        return read_model(path).constants if path.exists() else None

    def keep_constants(self, constants: Mapping[str, Any]) -> None:
        """Keep fitted constants for a resume."""
        write_model(self.run.path / _CONSTANTS, self._record(constants))

    def write_model(
        self,
        path: Path,
        networks: Mapping[str, nn.Module],
        learner: object,
        constants: Mapping[str, Any],
        *,
        step: int,
        numbers: Mapping[str, Any],
    ) -> None:
        """Write the networks as they are, with the learner's buffers and the codec's constants."""
        states = {f"networks/{name}": net.state_dict() for name, net in networks.items()}
        if isinstance(learner, nn.Module):
            states["learner"] = learner.state_dict()
        tensors = {
            f"{p}/{name}": _array(t) for p, state in states.items() for name, t in state.items()
        }
        write_model(path, self._record(constants, step=step, numbers=numbers, tensors=tensors))

    def _record(
        self,
        constants: Mapping[str, Any],
        *,
        step: int = 0,
        numbers: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Any] | None = None,
    ) -> ModelRecord:
        plugin = registry().owner(self.parts.task.name)
        return ModelRecord(
            model=self.parts.id,
            plugin=plugin.name,
            plugin_version=plugin.version,
            api=".".join(map(str, API_VERSION)),
            config=self.config["model"],
            facts=self.facts,
            constants=constants,
            metrics=numbers or {},
            lineage=self._lineage(step),
            tensors=tensors or {},
        )

    def _lineage(self, step: int) -> dict[str, Any]:
        return {
            "config": digest(_decisive(self.config)),
            "facts": digest(self.facts),
            "split": self.split,
            "upstream": list(self.upstream),
            "start": self.start,
            "frozen": list(self.frozen),
            "step": step,
        }


def _decisive(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted path -> value of all that decides the result."""
    settings = {key: (key.removeprefix("config."), v) for key, v in _leaves(identity).items()}
    return {key: _name(n, v) for key, (n, v) in settings.items() if n not in MAY_CHANGE}


def _is_default(name: str, provenance: Mapping[str, str]) -> bool:
    """Whether it is a setting that nobody has changed.

    A run that does not tell it was begun before the setting existed: new settings do by default
    what was done without them.
    """
    section, _, key = name.partition(".")
    return section == "config" and provenance.get(key) == "default"


def _name(key: str, value: Any) -> Any:
    """Of files and runs the name alone: equal trainings are equal wherever their data lie."""
    section, _, name = key.rpartition(".")
    is_place = section.partition(".")[0] == "data" and name in ("path", "model")
    return Path(value).name if is_place and "options" not in section else value


def _short(model: Mapping[str, str]) -> str:
    return f"{model['model']} {model['sha256'][:12] or 'without a file'}"


def _array(tensor: Tensor) -> Any:
    plain = tensor.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Dotted path -> value; lists are values."""
    if not isinstance(value, Mapping) or not value:
        return {path: value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= _leaves(item, f"{path}.{key}" if path else str(key))
    return found
