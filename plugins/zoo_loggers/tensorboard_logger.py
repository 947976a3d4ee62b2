"""TensorBoard: event files in ``RUN/tensorboard``, shown by ``tensorboard --logdir RUN``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from zoo.api import LoggedRun
from zoo_loggers.common import missing, numbers

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError as error:
    raise missing("tensorboard", error) from error

__all__ = ["TensorBoard"]


class TensorBoard:
    """Writes the whole log anew when a training resumes, and hides what an earlier process wrote.

    So curves are complete also where the logger was chosen later, and no point is there twice.
    The time axis is that of the log: interruptions are not seen in it.
    """

    def __init__(self, run: LoggedRun) -> None:
        # purge_step hides all points of this step and later ones of earlier event files.
        self._writer = SummaryWriter(str(run.path / "tensorboard"), purge_step=0)
        self._begun = time.time() - (run.history[-1]["seconds"] if run.history else 0.0)
        config = json.dumps(run.config, indent=2)
        self._writer.add_text(run.model, f"```\n{config}\n```", 0, self._begun)
        for row in run.history:
            self._add(row)
        self._writer.flush()

    def row(self, row: Mapping[str, Any]) -> None:
        """One point a number."""
        self._add(row)

    def close(self, outcome: str) -> None:
        """Write what is left."""
        self._writer.close()

    def _add(self, row: Mapping[str, Any]) -> None:
        for name, value in numbers(row).items():
            self._writer.add_scalar(name, value, row["step"], self._begun + row["seconds"])
