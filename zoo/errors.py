"""Every error that a user can meet: what happened, where, and the remedy; one exit code each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

__all__ = [
    "ConfigError",
    "DataError",
    "Interrupted",
    "NonFiniteError",
    "ParityError",
    "PluginError",
    "UsageError",
    "WeightsError",
    "ZooError",
    "suggestion",
]


class ZooError(Exception):
    """Base of all errors with a message for people.

    Args:
        message: What is wrong, one sentence without a final stop.
        where: The file, field, config path or id concerned; empty when the message names it.
        remedy: What the reader can do about it.

    Attributes:
        shared: Of several processes: whether the first one has the same error and tells it.
            ``None``: it was raised before they met; the first one of each machine tells it.
    """

    exit_code = 1
    kind = "bug"
    shared: bool | None = None

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(message, where, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from a loader's worker to the training whole."""
        return _rebuilt, (type(self), self.message, self.where, self.remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  remedy: {self.remedy}" if self.remedy else text

    def as_dict(self) -> dict[str, str | int]:
        """The error for ``--json``."""
        return {
            "error": self.kind,
            "exit_code": self.exit_code,
            "message": self.message,
            "where": self.where,
            "remedy": self.remedy,
        }

    @staticmethod
    def from_dict(told: Mapping[str, Any]) -> ZooError:
        """The error that :meth:`as_dict` tells, from another process of the same program."""
        kind = next((kind for kind in _kinds(ZooError) if kind.kind == told["error"]), ZooError)
        return kind(told["message"], where=told["where"], remedy=told["remedy"])


class UsageError(ZooError):
    """A command that cannot be carried out as it was written."""

    exit_code = 2
    kind = "usage"


class ConfigError(UsageError):
    """A configuration key or value that the model or the engine does not accept."""

    kind = "config"


class PluginError(ZooError):
    """A plugin that is missing, broken, incompatible, or breaks the contract."""

    exit_code = 3
    kind = "plugin"


class DataError(ZooError):
    """Data that are missing, damaged, or not what the task declares."""

    exit_code = 4
    kind = "data"


class WeightsError(ZooError):
    """Weights, a checkpoint or a download that is missing, damaged or foreign."""

    exit_code = 5
    kind = "weights"


class ParityError(ZooError):
    """An export, a consumer contract or a comparison that does not hold."""

    exit_code = 6
    kind = "parity"


class NonFiniteError(ZooError):
    """A training whose loss is no longer a number."""

    exit_code = 7
    kind = "non-finite"


class Interrupted(ZooError):  # noqa: N818  # a requested stop is no error
    """A training that saved its state and stopped on request; the same command resumes it."""

    exit_code = 75
    kind = "interrupted"


def _kinds(base: type[ZooError]) -> Iterator[type[ZooError]]:
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def _rebuilt(kind: type[ZooError], message: str, where: str, remedy: str) -> ZooError:
    return kind(message, where=where, remedy=remedy)


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the nearest of the known names, or the list of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(names)}" if names else "none are known"
