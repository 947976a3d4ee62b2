"""What is measured and under which conditions; both cross to a fresh process as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from zoo.contract.specs import Specs

__all__ = ["Case", "Conditions", "NotAvailable", "Port", "Subject", "ports"]

Kind = Literal["networks", "classical", "file"]


class NotAvailable(Exception):  # noqa: N818  # no error: a row that tells why it has no numbers
    """This case cannot be measured; the message is the reason that its row tells."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """One input or output of a program, with all dims.

    Attributes:
        fill: How an input of a foreign file is made: ``normal``, ``uniform`` or ``zeros``.
    """

    name: str
    dims: tuple[str | int, ...]
    dtype: str
    fill: str = ""

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The dims as numbers.

        Raises:
            KeyError: If the size of a name is not given.
        """
        return tuple(sizes[dim] if isinstance(dim, str) else dim for dim in self.dims)


def ports(specs: Specs) -> tuple[Port, ...]:
    """The ports of a deploy, in its order."""
    return tuple(Port(name=n, dims=tuple(s.dims), dtype=s.dtype) for n, s in specs.items())


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured.

    Attributes:
        name: Of its rows.
        kind: Networks, a classical algorithm, or an exported or foreign file.
        model: ``TASK/MODEL``; empty: a foreign file.
        config: The whole run configuration, JSON values; of a file: empty.
        file: Model file with the networks' parameters (empty: fresh ones), or the program.
        format: Of a program: ``onnx``, ``ts`` or ``pt2``.
        description: The TOML that describes a foreign file, for messages; empty: it is ours.
    """

    name: str
    kind: Kind
    model: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    format: str = ""
    description: str = ""

    @property
    def fresh(self) -> bool:
        """Whether its parameters are those of a training that has not begun."""
        return self.kind == "networks" and not self.file


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How it is measured. What does not apply is empty.

    Attributes:
        mode: ``inference`` or ``training``.
        phase: Of a training step: the optimiser that it drives.
        runtime: ``eager``, ``compiled``, ``onnx``, ``ts`` or ``pt2``.
        precision: ``fp32``, or autocast to ``bf16`` or ``fp16``.
        threads: Of the one process.
        onednn: ``on`` or ``off``.
        device: ``cpu`` or ``cuda``.
        sizes: Free dims of the inputs, ``batch`` among them.
    """

    mode: str
    phase: str = ""
    runtime: str = ""
    precision: str = ""
    threads: int = 1
    onednn: str = ""
    device: str = "cpu"
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row to be measured.

    Attributes:
        inputs: File with the arrays to run on; empty: an encoded batch of samples.
        program: File to run instead of the networks; with its ``format``.
        takes, gives: Inputs and outputs of the program, in its order.
        repeats: Timed calls of one process.
        inspect: Whether operators are looked at and counted after them: seconds, so once is enough.
        reason: Why it is not measured; empty: it is.
    """

    subject: Subject
    conditions: Conditions
    inputs: str = ""
    program: str = ""
    format: str = ""
    takes: tuple[Port, ...] = ()
    gives: tuple[Port, ...] = ()
    repeats: int = 1
    inspect: bool = True
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`as_dict`."""
        parts: dict[str, Any] = {
            "subject": Subject(**values["subject"]),
            "conditions": Conditions(**values["conditions"]),
        }
        for side in ("takes", "gives"):
            parts[side] = tuple(
                Port(**{**port, "dims": tuple(port["dims"])}) for port in values[side]
            )
        return cls(**{**values, **parts})
