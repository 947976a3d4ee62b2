"""Where parameters begin: published weights, a run or a file; and which stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import nn

from zoo.artifacts.model_file import ModelRecord, read_model
from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.errors import ConfigError, WeightsError, suggestion
from zoo.files import file_digest
from zoo.prediction.published import published_file

__all__ = ["Loaded", "freeze", "load_start", "start_file"]


@dataclass(frozen=True)
class Loaded:
    """What ``--from`` did.

    Attributes:
        loaded: Tensors taken, as ``NETWORK/NAME``.
        missing: Tensors of the networks that the file does not have: they keep their random start.
        unused: Tensors of the file that the networks do not have.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        text = f"loaded {len(self.loaded)} tensors"
        if self.missing:
            text += f"; not in the file, so random: {_few(self.missing)}"
        if self.unused:
            text += f"; in the file but not in the networks: {_few(self.unused)}"
        return text


def start_file(ref: str) -> tuple[Path, str]:
    """The model file that ``--from`` names, and its sha256.

    Raises:
        WeightsError: If there is no such run or file, or published weights cannot be had.
        UsageError: If the run has no model, or no snapshot at that step.
    """
    path = published_file(ref) or Path(ref)
    if not path.is_file():
        folder, step = parse_run(ref)
        if not RunDirectory.is_run(folder):
            raise WeightsError(
                "no such run directory or model file, and no published weights",
                where=ref,
                remedy="--from takes TASK/MODEL@VERSION, RUN, RUN@step or a model.safetensors",
            )
        path = RunDirectory.open(folder).model_at(step)
    return path, file_digest(path)


def load_start(networks: Mapping[str, nn.Module], path: Path) -> Loaded:
    """Copy every tensor that both have into the networks.

    Raises:
        WeightsError: If the file is damaged, shares no name, or a shape differs.
    """
    found = _tensors(read_model(path))
    wanted = {f"{net}/{key}": t for net, m in networks.items() for key, t in m.state_dict().items()}
    common = [name for name in wanted if name in found]
    if not common:
        raise WeightsError(
            f"it shares no parameter with the networks {', '.join(networks)}",
            where=str(path),
            remedy=f"it has {_few(tuple(sorted(found)))}",
        )
    for name in common:
        if found[name].shape != wanted[name].shape:
            raise WeightsError(
                f"the parameter '{name}' has shape {tuple(found[name].shape)},"
                f" the network {tuple(wanted[name].shape)}",
                where=str(path),
                remedy="set the model's config as it was there",
            )
        wanted[name].copy_(found[name])
    return Loaded(
        tuple(common), tuple(sorted(wanted.keys() - found)), tuple(sorted(found.keys() - wanted))
    )


def freeze(networks: Mapping[str, nn.Module], patterns: Sequence[str]) -> tuple[str, ...]:
    """Stop training parameters whose name ``NETWORK/PARAMETER`` matches a glob; return names.

    Raises:
        ConfigError: If a pattern matches nothing.
    """
    parameters = {f"{net}/{k}": p for net, m in networks.items() for k, p in m.named_parameters()}
    frozen = []
    for pattern in patterns:
        matched = [name for name in parameters if fnmatchcase(name, pattern)]
        if not matched:
            raise ConfigError(
                "it matches no parameter",
                where=f"--freeze '{pattern}'",
                remedy=f"patterns are like 'net/encoder.*'; {suggestion(pattern, parameters)}",
            )
        for name in matched:
            parameters[name].requires_grad_(False)
        frozen += matched
    return tuple(dict.fromkeys(frozen))


def _tensors(record: ModelRecord) -> dict[str, torch.Tensor]:
    prefix = "networks/"
    return {
        name.removeprefix(prefix): torch.from_numpy(array)
        for name, array in record.tensors.items()
        if name.startswith(prefix)
    }


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
