"""What a line of the log says: means over the updates since the last one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zoo.artifacts.run_directory import MEASURED
from zoo.engine.step import UpdateReport
from zoo.errors import ConfigError

__all__ = ["LogWindow"]

_RESERVED = MEASURED.union(
    ("step", "epoch", "split", "phase", "updates", "loss", "lr", "gradient_norm")
)


class LogWindow:
    """Sums over updates, phase by phase.

    Args:
        sums: Phase -> name -> [sum, number of updates], as in a checkpoint.
    """

    def __init__(self, sums: Mapping[str, Mapping[str, list[float]]] | None = None) -> None:
        self._sums = {phase: dict(named) for phase, named in (sums or {}).items()}

    def add(self, report: UpdateReport) -> None:
        """Count an update in.

        Raises:
            ConfigError: If a term of the loss has a name that the log needs.
        """
        taken = _RESERVED & report.means.keys() - {"loss"}
        if taken:
            raise ConfigError(
                f"a loss term is called '{min(taken)}', which the log needs itself",
                where=f"phase '{report.phase}'",
                remedy="call it otherwise",
            )
        window = self._sums.setdefault(report.phase, {})
        values = {"loss": report.loss, "lr": report.step.rate, "gradient_norm": report.step.norm}
        for name, value in {**report.means, **values}.items():
            total, count = window.get(name, [0.0, 0])
            window[name] = [total + value, count + 1]

    def taken(self) -> Iterator[dict[str, Any]]:
        """The means of each phase; the next window begins."""
        sums, self._sums = self._sums, {}
        for phase, window in sums.items():
            means = {name: total / count for name, (total, count) in window.items()}
            yield {"phase": phase, "updates": int(window["lr"][1]), **means}

    def state(self) -> dict[str, dict[str, list[float]]]:
        """JSON for a checkpoint."""
        return self._sums
