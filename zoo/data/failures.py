"""Errors of worker processes, sent to the parent as what they were."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, Self

from zoo.errors import PluginError, ZooError

__all__ = ["Failure", "plugin_code"]

_REMEDY = (
    "look whether `zoo data check` finds fault with the data; if not, report it to the plugin's "
    "authors (ZOO_TRACEBACK=1 shows where)"
)


@contextmanager
def plugin_code(where: str) -> Iterator[None]:
    """Have what a plugin's code raises name the plugin's part, and not look like a bug of zoo.

    Raises:
        PluginError: For any exception but a :class:`ZooError` or OSError, which pass.
    """
    try:
        yield
    except (ZooError, OSError):
        raise
    except Exception as error:
        raise PluginError(_told(error), where=where, remedy=_REMEDY) from error


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
        return cls(PluginError, _told(error), where, _REMEDY, trace)

    def throw(self) -> NoReturn:
        """Raise the error, with the worker's traceback as a note."""
        error = self.kind(self.message, where=self.where, remedy=self.remedy)
        error.add_note(f"in a worker process:\n{self.trace}")
        raise error


def _told(error: Exception) -> str:
    return f"it failed ({type(error).__name__}: {error})"
