"""Showing a training elsewhere while it runs: TensorBoard, a server, a notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = ["LoggedRun", "Logger"]


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """The training that a logger shows, as it begins or goes on.

    Attributes:
        path: The run directory; a logger keeps its own files in a folder of its name there.
        model: ``TASK/MODEL``.
        config: The resolved configuration as JSON.
        resumed: The step after which it goes on; 0: it begins.
        history: Lines that ``metrics.jsonl`` already has, in order; a new training has none.
    """

    path: Path
    model: str
    config: Mapping[str, Any]
    resumed: int
    history: Sequence[Mapping[str, Any]]


class Logger(Protocol):
    """Shows the lines of ``metrics.jsonl``; named by ``training.loggers``.

    It is made on rank 0 alone, each time that the training starts or resumes. After a kill, lines
    beyond ``run.history`` may have been shown before: they come again in the same order with the
    same values (those of the clock excepted), so line N of the log is always the same line. A
    logger shows each once: it hides what it showed beyond the history, or skips lines up to the
    number that it has shown. It may have missed lines of the history, too.

    An exception ends the logger, never the training: it is reported once. The training waits for
    each call: return at once. A module that raises a :class:`zoo.errors.ZooError` on import (a
    library is not installed) ends the command before the training begins.
    """

    def __init__(self, run: LoggedRun) -> None: ...

    def row(self, row: Mapping[str, Any]) -> None:
        """One line: ``step``, ``split``, ``phase`` and numbers; null where not finite."""
        ...

    def close(self, outcome: str) -> None:
        """The end of this process: ``finished``, ``interrupted`` (resumable) or ``failed``."""
        ...
