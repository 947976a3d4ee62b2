"""What goes into a deployed model or a file at any size, and the files that a case needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from zoo.bench.case import Case, Port, Subject, ports
from zoo.bench.foreign import Foreign, make_inputs
from zoo.config.base import Config
from zoo.config.layers import validate, validate_stored
from zoo.config.run import DataConfig
from zoo.contract.deploy import Deploy
from zoo.contract.refs import resolve
from zoo.errors import ConfigError, ParityError, UsageError
from zoo.registry import registry
from zoo.runtimes.header import read_export_header

__all__ = ["Exporter", "Interface", "foreign_interface", "interface_of", "write_inputs"]


@dataclass(frozen=True, kw_only=True)
class Interface:
    """Inputs and outputs with their dims.

    Attributes:
        takes, gives: In order.
        typical: Sizes unless others are asked for.
        make: Sizes -> arrays by input name.
    """

    takes: tuple[Port, ...]
    gives: tuple[Port, ...]
    typical: Mapping[str, int]
    make: Callable[[Mapping[str, int]], Mapping[str, NDArray[Any]]]

    @property
    def names(self) -> frozenset[str]:
        """Names of free sizes."""
        return frozenset(dim for port in self.takes for dim in port.dims if isinstance(dim, str))


def interface_of(subject: Subject) -> Interface | None:
    """Of a network or an exported file whose plugin says what to deploy; else ``None``.

    Raises:
        ZooError: If configuration, data, weights or plugin are wrong.
    """
    if subject.kind == "classical":
        return None
    task, model = registry().model(subject.model)
    ref = model.deploy or task.deploy
    if ref is None:
        return None
    config, facts = _config_and_facts(subject)
    deploy = cast("Callable[..., Deploy]", resolve(ref))(config, facts)
    from zoo.export.parity import example_inputs

    return Interface(
        takes=ports(deploy.inputs),
        gives=ports(deploy.outputs),
        typical=deploy.sizes[0],
        make=lambda sizes: example_inputs(deploy, sizes),
    )


def foreign_interface(foreign: Foreign, where: str) -> Interface:
    """Of a foreign file."""

    def make(sizes: Mapping[str, int]) -> Mapping[str, NDArray[Any]]:
        try:
            return make_inputs(foreign.takes, sizes)
        except KeyError as error:
            name = error.args[0]
            raise ConfigError(
                f"the size of '{name}' is not told",
                where=f"{where}: sizes",
                remedy=f"give --size {name}=N, or put it into the table [sizes]",
            ) from error

    return Interface(
        takes=foreign.takes,
        gives=foreign.gives,
        typical={"batch": 1, **foreign.sizes},
        make=make,
    )


def write_inputs(interface: Interface, sizes: Mapping[str, int], path: Path) -> None:
    """Write the arrays of these sizes for the measuring processes."""
    made = interface.make(sizes)
    save_file({name: np.asarray(array, order="C") for name, array in made.items()}, path)


class Exporter:
    """Exports each model once per format, for all cases that need it.

    Args:
        folder: Where files go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._done: dict[tuple[str, str], str] = {}

    def export(self, case: Case) -> str:
        """Path of the file of a case; it is not compared with the model, as ``zoo export`` does.

        Raises:
            ParityError: If torch cannot export it.
            UsageError: If the exporter is not installed.
        """
        key = (case.subject.name, case.conditions.runtime)
        if key not in self._done:
            path = self.folder / f"{len(self._done)}.{case.conditions.runtime}"
            _export(case.subject, case.conditions.runtime, path)
            self._done[key] = str(path)
        return self._done[key]


def _export(subject: Subject, format_name: str, path: Path) -> None:
    import torch

    from zoo.bench.models import deploy_of, load_networks
    from zoo.export.formats import write_module
    from zoo.export.parity import example_inputs

    loaded = load_networks(subject)
    deploy = deploy_of(loaded)
    if deploy is None:
        raise UsageError("its plugin does not say what to deploy", where=subject.model)
    # With a size of one, torch would take it as fixed.
    several = [sizes for sizes in deploy.sizes if all(size > 1 for size in sizes.values())]
    if not several:
        raise ParityError(
            "no point of its export grid has all sizes above one", where=subject.model
        )
    smallest = example_inputs(deploy, min(several, key=lambda sizes: sum(sizes.values())))
    module = deploy.module(loaded.networks, loaded.codec).eval()
    module.requires_grad_(requires_grad=False)
    inputs = tuple(torch.from_numpy(array.copy()) for array in smallest.values())
    write_module(format_name, module, inputs, deploy, header="{}", path=path)


def _config_and_facts(subject: Subject) -> tuple[Config, Mapping[str, Any]]:
    if subject.kind == "file":
        header = read_export_header(Path(subject.file), subject.format)
        return _config(subject.model, header.config), header.facts
    if subject.file:
        from zoo.artifacts.model_file import read_model

        record = read_model(Path(subject.file))
        return _config(subject.model, record.config), record.facts
    from zoo.bench.samples import source_for

    task, _ = registry().model(subject.model)
    source, _ = source_for(task, validate(DataConfig, subject.config["data"], "data"))
    return _config(subject.model, subject.config["model"]), source.facts


def _config(id_: str, values: Mapping[str, Any]) -> Config:
    config_class = cast("type[Config]", resolve(registry().model(id_)[1].config))
    return validate_stored(config_class, values, id_)
