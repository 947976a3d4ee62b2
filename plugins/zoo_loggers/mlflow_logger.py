"""MLflow: one run there for one training, however often it resumes.

Its own environment variables say where: ``MLFLOW_TRACKING_URI``, ``MLFLOW_EXPERIMENT_NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import Any

from zoo.api import LoggedRun, write_atomically
from zoo_loggers.common import flat, missing, numbers

try:
    import mlflow
except ImportError as error:
    raise missing("mlflow", error) from error

__all__ = ["MLflow"]

_PARAMETERS = 100
"""So many of one request a server takes."""
_LENGTH = 500
"""Characters of a parameter that every server takes."""
_FORBIDDEN = re.compile(r"[^\w\-. /]", re.ASCII)
_STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_COUNTER = "lines"


class MLflow:
    """Counts the lines in a metric of their own, and skips those that the run has already."""

    def __init__(self, run: LoggedRun) -> None:
        file = run.path / "mlflow" / "zoo-run-id"
        known = file.read_text(encoding="utf-8").strip() if file.exists() else None
        active = mlflow.start_run(run_id=known, run_name=None if known else run.path.name)
        self._line, self._shown = count(1), int(active.data.metrics.get(_COUNTER, 0))
        if known is None:
            write_atomically(file, active.info.run_id)
            self._parameters({"model_id": run.model, **flat(run.config)})
        for row in run.history:
            self.row(row)

    def row(self, row: Mapping[str, Any]) -> None:
        """One point a number."""
        line = next(self._line)
        if line > self._shown:
            values = {_FORBIDDEN.sub("_", name): value for name, value in numbers(row).items()}
            mlflow.log_metrics({**values, _COUNTER: line}, step=row["step"])

    def close(self, outcome: str) -> None:
        """End the run there with the status that fits; resuming sets it back to running."""
        mlflow.end_run(_STATUS[outcome])

    def _parameters(self, config: Mapping[str, Any]) -> None:
        texts = [(_FORBIDDEN.sub("_", key), str(value)[:_LENGTH]) for key, value in config.items()]
        for first in range(0, len(texts), _PARAMETERS):
            mlflow.log_params(dict(texts[first : first + _PARAMETERS]))
