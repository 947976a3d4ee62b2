"""Weights & Biases: one run there for one training, however often it resumes.

What is not set here comes from its own environment variables: ``WANDB_API_KEY``, ``WANDB_MODE``
(``offline``), ``WANDB_ENTITY``, ``WANDB_PROJECT``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count
from typing import Any

from zoo.api import LoggedRun
from zoo_loggers.common import kept_id, missing, numbers

try:
    import wandb
except ImportError as error:
    raise missing("wandb", error) from error

__all__ = ["WandB"]


class WandB:
    """Its step is the number of the line; a resumed run knows how many it has and skips those."""

    def __init__(self, run: LoggedRun) -> None:
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or run.model.partition("/")[0],
            name=run.path.name,
            id=kept_id(run.path / "wandb" / "zoo-run-id"),
            resume="allow",
            dir=str(run.path),
            config={"model_id": run.model, **run.config},
            allow_val_change=True,  # a resumed training may have other workers, say
            settings=wandb.Settings(console="off"),  # the terminal is the training's own
        )
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")
        self._line, self._shown = count(), self._run.step
        for row in run.history:
            self.row(row)

    def row(self, row: Mapping[str, Any]) -> None:
        """One entry of the history."""
        line = next(self._line)
        if line >= self._shown:
            self._run.log({"step": row["step"], **numbers(row)}, step=line)

    def close(self, outcome: str) -> None:
        """Mark the run as finished, or as failed until it resumes."""
        self._run.finish(exit_code=0 if outcome == "finished" else 1)
