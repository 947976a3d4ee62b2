"""``--max-memory``: a training cut so that it fits, with the same gradient.

Two things cut it. A process computes its share of a micro-batch in pieces, one after the other, and
adds their gradients; and :func:`zoo.api.chunked`, where a learner uses it, bounds the rows of one
sample. Both change the order of sums and nothing else. How much memory a sample takes is measured:
gradients of more and more samples of the first micro-batch are computed until twice as many would
be too many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zoo.errors import ConfigError

__all__ = ["Fit", "Need", "fit"]

_MARGIN = 1.1
"""Other samples may need more than those that were measured."""

_CHUNK = 256
"""Rows to begin with."""


@dataclass(frozen=True)
class Need:
    """What one gradient took.

    Attributes:
        fixed: Bytes whatever the number of samples: the process itself, gradients, optimizers.
        samples: Bytes of the activations of the measured samples.
        chunked: Rows of the largest call of ``chunked`` without a chunk of its own.
    """

    fixed: int
    samples: int
    chunked: int = 0

    def times(self, factor: float) -> float:
        """Bytes expected for so many times the samples."""
        return self.fixed + _MARGIN * factor * self.samples


@dataclass(frozen=True)
class Fit:
    """How a training is cut.

    Attributes:
        pieces: Of each process's share of a micro-batch.
        chunk: Rows at a time in ``chunked``; ``None``: all.
        expected: Bytes of the largest process.
    """

    pieces: int
    chunk: int | None
    expected: int


Measure = Callable[[int, int | None], Need]
"""(samples of a piece, chunk) -> what their gradient takes."""


def fit(limit: int, share: int, measure: Measure) -> Fit:
    """The fewest pieces, with chunks only where one sample needs them.

    Args:
        limit: Bytes of a process.
        share: Samples of a micro-batch on one process.
        measure: Computes a gradient; never asked for one that is expected to be too large.

    Raises:
        ConfigError: If not even one sample fits.
    """
    need = measure(1, _CHUNK)
    if need.times(1) > limit:
        raise ConfigError(
            f"one sample takes about {need.times(1) / 2**20:.0f} MiB of memory, "
            f"{need.fixed / 2**20:.0f} MiB of them whatever the number of samples",
            where="engine.max_memory",
            remedy="allow more, or choose a smaller model",
        )
    chunk = None
    if need.chunked > _CHUNK:
        chunk, need = _largest_chunk(limit, need, measure)
    if chunk is not None:
        return Fit(share, chunk, int(need.times(1)))
    samples, need = _most_samples(limit, share, need, measure)
    return Fit(-(-share // samples), None, int(need.times(1)))


def _largest_chunk(limit: int, need: Need, measure: Measure) -> tuple[int | None, Need]:
    """For one sample, and what it takes; ``None``: it needs no chunks."""
    chunk = _CHUNK
    while need.times(2) <= limit:
        larger = measure(1, 2 * chunk)
        if larger.times(1) > limit:
            break
        chunk, need = 2 * chunk, larger
        if chunk >= need.chunked:
            return None, need
    return chunk, need


def _most_samples(limit: int, share: int, need: Need, measure: Measure) -> tuple[int, Need]:
    """The largest number of samples that was measured and fits, and what it takes.

    Of numbers that need as many pieces, the smallest is tried.
    """
    samples = 1
    while samples < share:
        room = (limit - need.fixed) / (_MARGIN * max(need.samples, 1))
        pieces = -(-share // min(2 * samples, share, int(samples * room)))
        larger = -(-share // pieces)
        if larger <= samples:
            break
        more = measure(larger, None)
        if more.times(1) > limit:
            break
        samples, need = larger, more
    return samples, need
