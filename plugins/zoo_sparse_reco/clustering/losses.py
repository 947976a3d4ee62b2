"""What the clustering networks learn, for the voxels of one event and class, or its edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["TERMS", "log_dice", "lovasz_hinge", "member_losses"]

TERMS = ("mask", "seed", "smoothing", "inter")

_LEAST, _MOST = 1e-6, 100.0  # of -log p: what float32 tells of 1 - p, and where torch's BCE stops


def member_losses(
    embedding: Tensor,
    margin: Tensor,
    seed: Tensor,
    sizes: Sequence[int],
    *,
    mask: Literal["bce", "lovasz"] = "bce",
    inter_distance: float = 0.2,
) -> dict[str, Tensor]:
    """The losses of SPICE (Koh et al., arXiv:2007.03083, section 2) for one event and class.

    Voxel i is of cluster k with probability ``p_ik = exp(-|e_i - mu_k|^2 / (2 sigma_k^2))``, where
    ``mu_k`` and ``sigma_k`` are the means over the voxels of k. Cluster by cluster lie the voxels.

    Args:
        embedding: e, (V, 3).
        margin: (V,).
        seed: Scores, (V,).
        sizes: Voxels of each cluster, their sum is V.
        mask: Cross-entropy of all ``p_ik``, or the Lovasz hinge of each cluster.
        inter_distance: d below.

    Returns:
        Scalars: ``mask``; ``seed``, mean of ``|seed_i - p_i|``, p of its own cluster and without
        gradient; ``smoothing``, mean of ``|margin_i - sigma_i|``, likewise; ``inter``, mean over
        pairs of clusters of ``max(2 d - |mu_a - mu_b|, 0)^2``, 0 where there is one cluster.
    """
    lengths = torch.tensor(list(sizes), dtype=torch.int64, device=embedding.device)
    own = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
    centre = torch.segment_reduce(embedding, "mean", lengths=lengths, axis=0)
    width = torch.segment_reduce(margin, "mean", lengths=lengths, axis=0)
    square = (embedding[:, None] - centre[None]).square().sum(2)
    surprise = square / (2 * width.square())  # -log p
    is_own = functional.one_hot(own, len(lengths)).bool()
    if mask == "bce":
        wrong = -torch.log(-torch.expm1(-surprise.clamp(_LEAST, _MOST)))
        member = torch.where(is_own, surprise.clamp(max=_MOST), wrong).mean()
    else:
        member = lovasz_hinge(2 * torch.exp(-surprise) - 1, is_own).mean()
    probability = torch.exp(-surprise[torch.arange(len(own), device=own.device), own])
    return {
        "mask": member,
        "seed": (seed - probability.detach()).abs().mean(),
        "smoothing": (margin - width.detach()[own]).abs().mean(),
        "inter": _inter(centre, inter_distance),
    }


def lovasz_hinge(logits: Tensor, true: Tensor) -> Tensor:
    """The Lovasz extension of the Jaccard loss with hinge errors, of each column, (K,).

    Berman et al., arXiv:1705.08790, algorithm 1.

    Args:
        logits: (V, K); above 0: inside.
        true: bool (V, K), at least one in each column.
    """
    sign = 2.0 * true.to(logits.dtype) - 1
    errors, order = (1 - logits * sign).sort(0, descending=True)
    sorted_true = true.gather(0, order).to(logits.dtype)
    total = sorted_true.sum(0)
    shared = total - sorted_true.cumsum(0)
    either = total + (1 - sorted_true).cumsum(0)
    jaccard = 1 - shared / either
    steps = torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
    return (errors.relu() * steps).sum(0)


def log_dice(probability: Tensor, true: Tensor, lengths: Tensor) -> Tensor:
    """Minus the logarithm of the smoothed Dice coefficient of each event, (N,).

    ``-log((2 sum(p t) + 1) / (sum(p) + sum(t) + 1))``; 0 for an event without an edge. Logarithms
    of Dice beside cross-entropies, with weights 0.8 and 0.2: Wong et al., arXiv:1809.00076.

    Args:
        probability: (E,), event by event.
        true: 0 or 1, (E,).
        lengths: int64 (N,), edges of each event.
    """
    both, found, there = (
        torch.segment_reduce(one, "sum", lengths=lengths, axis=0)
        for one in (probability * true, probability, true)
    )
    return torch.log((found + there + 1) / (2 * both + 1))


def _inter(centre: Tensor, distance: float) -> Tensor:
    """Of middles (K, 3)."""
    if len(centre) < 2:
        return centre.sum() * 0
    one, other = torch.triu_indices(len(centre), len(centre), 1, device=centre.device)
    square = (centre[one] - centre[other]).square().sum(1)
    # A square root has no slope at 0, where two middles are the same.
    return (2 * distance - (square + 1e-12).sqrt()).relu().square().mean()
