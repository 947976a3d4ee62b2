r"""Frechet distance of physics features, extrapolated to infinitely many showers (FPD).

``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` of means and covariances. Of finite samples it is
too large by a term in 1/N; a line through distances of subsamples against 1/N meets the axis at the
distance without it (Chong and Forsyth, arXiv:1911.07023; Kansal et al., arXiv:2211.10295).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Measured", "fpd", "frechet_distance"]

Array = NDArray[np.float64]

PUBLISHED_SIZES = (20_000, 50_000)
"""Of the subsamples of arXiv:2211.10295; with fewer showers they shrink, and are marked."""
_POINTS = 10
_BATCHES = 20


@dataclass(frozen=True)
class Measured:
    """A measure with its error.

    Attributes:
        value: May be negative: it has no bias that would keep it above 0.
        error: Standard error.
        small: Whether there were fewer showers than its authors ask for.
        sizes: Of the subsamples, smallest and largest.
    """

    value: float
    error: float
    small: bool
    sizes: tuple[int, int]


def frechet_distance(first: Array, second: Array) -> float:
    """Squared Frechet distance of Gaussians with the moments of two samples (N, d), (M, d)."""
    (m1, c1), (m2, c2) = (
        (one.mean(0), np.atleast_2d(np.cov(one, rowvar=False))) for one in (first, second)
    )
    return _of_moments(m1, c1, m2, c2)


def _of_moments(m1: Array, c1: Array, m2: Array, c2: Array) -> float:
    values, vectors = np.linalg.eigh(c1)
    root = vectors * np.sqrt(np.maximum(values, 0))
    # tr (C1 C2)^(1/2) from the symmetric root^T C2 root, which has the same eigenvalues.
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root.T @ c2 @ root), 0)).sum()
    return float(((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * cross)


def fpd(
    reference: Array,
    generated: Array,
    seed: int = 0,
    batches: int = _BATCHES,
    sizes: tuple[int, int] = PUBLISHED_SIZES,
) -> Measured:
    """Frechet distance at 1/N = 0.

    Args:
        reference: (N, d), features.
        generated: (M, d).
        seed: Of the subsamples.
        batches: Subsamples of each size.
        sizes: The smallest and the largest; both shrink where a sample has less than the largest.

    Returns:
        The error has two parts: that of the fit, which is all that theirs has, and that of the
        showers themselves, by a jackknife of twenty parts of the distance of all.
    """
    rng = np.random.default_rng(seed)
    fewest = min(len(reference), len(generated))
    largest = min(sizes[1], fewest)
    smallest = min(sizes[0], max(largest * sizes[0] // sizes[1], 2))
    counts = np.unique((1 / np.linspace(1 / smallest, 1 / largest, _POINTS)).astype(int))
    means, errors = [], []
    for count in counts:
        drawn = [
            frechet_distance(
                *(one[rng.permutation(len(one))[:count]] for one in (reference, generated))
            )
            for _ in range(batches)
        ]
        means.append(float(np.mean(drawn)))
        errors.append(float(np.std(drawn)))
    value, error = _intercept(1 / counts, np.array(means), np.array(errors) / batches**0.5)
    small = fewest < sizes[1]
    error = float(np.hypot(error, _jackknife(reference, generated)))
    return Measured(value, error, small, (int(counts.min()), int(counts.max())))


def _jackknife(reference: Array, generated: Array, parts: int = 20) -> float:
    """Standard error of the distance, each part of the showers left out once."""
    left = [
        frechet_distance(
            *(np.delete(one, slice(part, None, parts), axis=0) for one in (reference, generated))
        )
        for part in range(parts)
    ]
    return float(np.std(left) * np.sqrt(parts - 1))


def _intercept(x: Array, y: Array, error: Array) -> tuple[float, float]:
    """Of a straight line by weighted least squares, with its standard error."""
    weight = 1 / np.maximum(error, 1e-12 + 1e-3 * np.max(error))
    design = np.stack([np.ones_like(x), x], axis=1) * weight[:, None]
    scale = np.abs(design).max(0)
    inverse = np.linalg.pinv(design / scale)
    slope = inverse @ (y * weight) / scale
    covariance = inverse @ inverse.T / np.outer(scale, scale)
    return float(slope[0]), float(np.sqrt(covariance[0, 0]))
