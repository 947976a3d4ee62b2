"""How batch normalisation is done on several processes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from zoo.data.order import Plan
from zoo.engine.batchnorm import normalisations, synchronised
from zoo.errors import ConfigError
from zoo.training.assembly import Assembly

__all__ = ["normalising", "require_rows_everywhere"]


def normalising(whole: Assembly) -> AbstractContextManager[None]:
    """Batch normalisation over all processes, where asked for."""
    return synchronised(whole.networks, whole.world) if _together(whole) else nullcontext()


def require_rows_everywhere(whole: Assembly, plan: Plan) -> None:
    """Check that every process has a sample of every micro-batch, where they normalise together.

    Raises:
        ConfigError: If a smaller micro-batch is left at the end of an epoch.
    """
    size = whole.world.size
    if _together(whole) and plan.smallest < size and normalisations(whole.networks):
        raise ConfigError(
            f"the last micro-batch of an epoch has {plan.smallest} of {plan.rows} samples, too "
            f"few for {size} processes that normalise together",
            where="training.batch",
            remedy="choose one that leaves a larger rest, or engine.batch_norm = 'local'",
        )


def _together(whole: Assembly) -> bool:
    """A reproducible training normalises by shard: over processes its bits would differ."""
    return whole.config.engine.batch_norm == "synchronised" and not whole.world.ordered
