"""Errors of worker processes, sent to the parent as what they were."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import NoReturn, Self

from zoo.errors import PluginError, ZooError

__all__ = ["Failure"]


@dataclass(frozen=True)
class Failure:
    """An error in parts that every process can send and raise again."""

    kind: type[ZooError]
    message: str
    where: str
    remedy: str
    trace: str

    @classmethod
    def of(cls, error: Exception, where: str) -> Self:
        """From any exception; one that is no :class:`ZooError` is a fault of the plugin."""
        trace = traceback.format_exc()
        if isinstance(error, ZooError):
            return cls(type(error), error.message, error.where, error.remedy, trace)
        return cls(
            PluginError,
            f"it failed ({type(error).__name__}: {error})",
            where,
            "report it to the plugin's authors; ZOO_TRACEBACK=1 shows where",
            trace,
        )

    def throw(self) -> NoReturn:
        """Raise the error, with the worker's traceback as a note."""
        error = self.kind(self.message, where=self.where, remedy=self.remedy)
        error.add_note(f"in a worker process:\n{self.trace}")
        raise error
