"""The loggers of a training, which show it and can do nothing else to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeAlias, cast

from zoo.artifacts.canonical import tidy
from zoo.contract.logger import LoggedRun, Logger
from zoo.contract.refs import resolve
from zoo.errors import Interrupted
from zoo.registry import registry

__all__ = ["Loggers", "MakeLogger", "find_loggers"]

MakeLogger: TypeAlias = Callable[[LoggedRun], Logger]


def find_loggers(names: Sequence[str]) -> Mapping[str, MakeLogger]:
    """Import the loggers that ``training.loggers`` names.

    Raises:
        PluginError: If there is no such logger, or its module fails on import.
        UsageError: If the library that it needs is not installed.
    """
    return {name: cast("MakeLogger", resolve(registry().logger(name))) for name in names}


class Loggers:
    """Made for one training; without an open one it does nothing.

    Args:
        makers: Name -> what makes the logger.
        tell: Told once of each logger that failed, and is not used any more.
    """

    def __init__(self, makers: Mapping[str, MakeLogger], tell: Callable[[str], None]) -> None:
        self._makers, self._tell = makers, tell
        self._open: dict[str, Logger] = {}

    @contextmanager
    def showing(self, run: LoggedRun) -> Iterator[None]:
        """Make the loggers, each with a copy; tell them in the end how this process ended."""
        for name, make in self._makers.items():
            with self._harmless(name):
                self._open[name] = make(deepcopy(run))
        try:
            yield
        except (Interrupted, KeyboardInterrupt):
            self._close("interrupted")
            raise
        except BaseException:
            self._close("failed")
            raise
        self._close("finished")

    def row(self, row: Mapping[str, Any]) -> None:
        """Show one line as ``metrics.jsonl`` has it; each logger has a copy of its own."""
        for name, logger in tuple(self._open.items()):
            with self._harmless(name):
                logger.row(tidy(row))

    def _close(self, outcome: str) -> None:
        for name, logger in tuple(self._open.items()):
            with self._harmless(name):
                logger.close(outcome)
        self._open = {}

    @contextmanager
    def _harmless(self, name: str) -> Iterator[None]:
        """Nothing of a logger ends a training, not even ``sys.exit``."""
        try:
            yield
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is
            self._open.pop(name, None)
            self._tell(
                f"the logger '{name}' failed ({type(error).__name__}: {error}); the training goes "
                "on without it, and metrics.jsonl has every line"
            )
