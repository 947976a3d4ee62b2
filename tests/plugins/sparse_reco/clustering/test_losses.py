"""The losses against slow ones in float64, and what they must not depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo_sparse_reco.clustering.losses import TERMS, log_dice, lovasz_hinge, member_losses

Floats = NDArray[np.float64]


def drawn(sizes: Sequence[int], seed: int = 0) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    return rng.normal(0, 0.4, (count, 3)), rng.uniform(0.2, 0.9, count), rng.uniform(0, 1, count)


def slowly(
    embedding: Floats, margin: Floats, seed: Floats, sizes: Sequence[int]
) -> dict[str, float]:
    """Voxel by voxel and cluster by cluster, as the paper writes it; d = 0.2."""
    own = [k for k, size in enumerate(sizes) for _ in range(size)]
    members = [[i for i, k in enumerate(own) if k == cluster] for cluster in range(len(sizes))]
    centre = [sum(embedding[i] for i in some) / len(some) for some in members]
    width = [sum(margin[i] for i in some) / len(some) for some in members]

    def chance(i: int, k: int) -> float:
        return float(np.exp(-np.sum((embedding[i] - centre[k]) ** 2) / (2 * width[k] ** 2)))

    entropy = 0.0
    for i in range(len(own)):
        for k in range(len(sizes)):
            p = chance(i, k)
            entropy -= np.log(p) if own[i] == k else np.log(1 - p)
    pairs = [(a, b) for b in range(len(sizes)) for a in range(b)]
    apart = [max(0.4 - float(np.linalg.norm(centre[a] - centre[b])), 0) ** 2 for a, b in pairs]
    return {
        "mask": entropy / (len(own) * len(sizes)),
        "seed": float(np.mean([abs(seed[i] - chance(i, own[i])) for i in range(len(own))])),
        "smoothing": float(np.mean([abs(margin[i] - width[own[i]]) for i in range(len(own))])),
        "inter": float(np.mean(apart)) if apart else 0.0,
    }


def tensors(*arrays: Any, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    return [torch.tensor(array, dtype=dtype) for array in arrays]


@pytest.mark.parametrize("sizes", [(5,), (4, 3, 6), (1, 1), (2, 9, 1, 1)])
def test_losses_of_members(sizes: tuple[int, ...]) -> None:
    arrays = drawn(sizes)
    expected = slowly(*arrays, sizes)
    for dtype, close in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        found = member_losses(*tensors(*arrays, dtype=dtype), sizes)
        assert set(found) == set(TERMS)
        for name in TERMS:
            assert float(found[name]) == pytest.approx(expected[name], rel=close, abs=1e-6), name


def test_the_order_of_voxels_and_clusters_does_not_matter() -> None:
    sizes = (4, 3, 6)
    embedding, margin, seed = drawn(sizes)
    expected = member_losses(*tensors(embedding, margin, seed), sizes)
    # Clusters 2, 0, 1, the voxels of each reversed.
    order = np.concatenate([np.arange(7, 13)[::-1], np.arange(4)[::-1], np.arange(4, 7)[::-1]])
    found = member_losses(*tensors(embedding[order], margin[order], seed[order]), (6, 4, 3))
    for name in TERMS:
        assert float(found[name]) == pytest.approx(float(expected[name]), rel=1e-12)


@pytest.mark.parametrize("mask", ["bce", "lovasz"])
def test_gradients_are_those_of_the_losses(mask: Any) -> None:
    sizes = (3, 2)
    arrays = [one.requires_grad_() for one in tensors(*drawn(sizes, seed=3))]

    def total(*given: Tensor) -> Tensor:
        found = member_losses(*given, sizes, mask=mask)
        # Those that keep a part without gradient have another slope than they seem to.
        return found["mask"] + found["inter"]

    assert torch.autograd.gradcheck(total, arrays)


def test_the_own_probability_teaches_seeds_alone() -> None:
    embedding, margin, seed = (one.requires_grad_() for one in tensors(*drawn((3, 2))))
    member_losses(embedding, margin, seed, (3, 2))["seed"].backward()
    assert embedding.grad is None or not embedding.grad.any()
    assert seed.grad is not None
    assert seed.grad.abs().numpy() == pytest.approx(np.full(5, 0.2))


def test_perfect_and_far_voxels_are_finite() -> None:
    """Voxels at the middle of both clusters, one far away, middles that are the same."""
    embedding = torch.tensor([[0.0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [9, 9, 9]])
    embedding.requires_grad_()
    margin = torch.full((5,), 1e-3, requires_grad=True)
    found = member_losses(embedding, margin, torch.zeros(5), (2, 2, 1))
    sum(found.values(), start=torch.zeros(())).backward()
    assert all(torch.isfinite(value) for value in found.values())
    assert embedding.grad is not None
    assert margin.grad is not None
    assert torch.isfinite(embedding.grad).all()
    assert torch.isfinite(margin.grad).all()


def test_lovasz_hinge_by_all_prefixes() -> None:
    """The Lovasz extension as the paper defines it: errors times steps of the Jaccard loss."""
    rng = np.random.default_rng(1)
    logits, true = rng.normal(0, 1, (7, 2)), rng.random((7, 2)) < 0.5
    true[0] = True
    found = lovasz_hinge(torch.tensor(logits), torch.tensor(true))
    for column in range(2):
        errors = 1 - logits[:, column] * np.where(true[:, column], 1, -1)
        order = np.argsort(-errors)
        expected, before = 0.0, 0.0
        for count in range(1, 8):
            wrong = set(order[:count].tolist())  # voxels that are mispredicted
            inside = set(np.flatnonzero(true[:, column]).tolist())
            loss = len(wrong) / len(inside | wrong)
            expected += max(errors[order[count - 1]], 0) * (loss - before)
            before = loss
        assert float(found[column]) == pytest.approx(expected, rel=1e-12)


def test_log_dice_of_each_event() -> None:
    probability = np.array([0.9, 0.2, 0.4, 0.7])
    true = np.array([1.0, 0.0, 1.0, 0.0])
    lengths = torch.tensor([3, 0, 1])
    found = log_dice(*tensors(probability, true), lengths).tolist()
    # -log((2 * 1.3 + 1) / (1.5 + 2 + 1)), 0, -log(1 / (0.7 + 0 + 1)).
    assert found == pytest.approx([-np.log(3.6 / 4.5), 0.0, np.log(1.7)], rel=1e-12)
