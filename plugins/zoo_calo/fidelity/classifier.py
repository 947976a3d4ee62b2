"""How well a network tells generated showers from those of the reference.

As in the CaloChallenge (arXiv:2410.21611): 60 % of both samples train, 20 % choose the epoch, 20 %
judge; the measure is the area under the ROC curve, 0.5 where nothing can be told. Theirs has two
hidden layers of 2,048 and 50 epochs; the default here is smaller, so that a CPU can do it, and a
classifier of another budget gives another number: quote it with the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import nn

from zoo.api import UsageError

__all__ = ["Budget", "Judged", "Matrix", "Rows", "auc", "classify"]

Array = NDArray[np.float64]


class Rows(Protocol):
    """Inputs of many showers, made in parts."""

    @property
    def rows(self) -> int:
        """How many showers."""
        ...

    @property
    def width(self) -> int:
        """Numbers of each."""
        ...

    def take(self, index: NDArray[np.intp]) -> NDArray[np.float32]:
        """(n, width)."""
        ...


@dataclass(frozen=True)
class Matrix:
    """Rows that fit into memory: (N, width)."""

    values: NDArray[np.floating]

    @property
    def rows(self) -> int:
        """How many showers."""
        return len(self.values)

    @property
    def width(self) -> int:
        """Numbers of each."""
        return int(self.values.shape[1])

    def take(self, index: NDArray[np.intp]) -> NDArray[np.float32]:
        """(n, width)."""
        return self.values[index].astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the classifier may use.

    Attributes:
        hidden: Width of its two hidden layers.
        epochs: At most.
        patience: Epochs without a better validation loss after which it stops.
        batch: Showers of a step.
        rate: Of Adam.
        decay: Of weights, decoupled: it keeps few showers from being learnt by heart.
        seed: Of split, weights and order.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    """

    hidden: int = 512
    epochs: int = 30
    patience: int = 8
    batch: int = 250
    rate: float = 2e-4
    decay: float = 1e-2
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Judged:
    """What the classifier found.

    Attributes:
        auc: On showers that it has not seen.
        error: Of Hanley and McNeil, Radiology 143 (1982) 29.
        epoch: The one with the best validation loss.
        tested: Showers of each sample behind it.
        budget: As JSON values.
    """

    auc: float
    error: float
    epoch: int
    tested: tuple[int, int]
    budget: dict[str, Any]


def auc(reference: Array, generated: Array) -> tuple[float, float]:
    """Chance that a generated shower has the higher score, and its standard error."""
    n, m = len(reference), len(generated)
    ranks = rankdata(np.concatenate([reference, generated]))
    area = float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)
    return area, (max(variance, 0) / (n * m)) ** 0.5


def classify(
    reference: Rows,
    generated: Rows,
    budget: Budget | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Judged:
    """Train and judge.

    Args:
        reference: Showers of class 0.
        generated: Of class 1, of the same width.
        budget: Default: :class:`Budget`.
        progress: Told (epochs done, epochs at most).

    Raises:
        ValueError: If a sample has fewer than ten showers, or widths differ.
        UsageError: If there is no such device.
    """
    chosen = budget or Budget()
    if min(reference.rows, generated.rows) < 10 or reference.width != generated.width:
        raise ValueError("a classifier needs ten showers of one width on each side")
    rng = np.random.default_rng(chosen.seed)
    parts = _split(reference, generated, rng)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chosen.seed)
        training = _Training(parts, chosen, reference.width)
        epoch = training.run(rng, progress)
    scores, labels = training.scores(parts.test)
    area, error = auc(scores[labels == 0], scores[labels == 1])
    tested = (int((labels == 0).sum()), int((labels == 1).sum()))
    return Judged(area, error, epoch, tested, asdict(chosen))


@dataclass(frozen=True)
class _Parts:
    """Numbers of showers, those of the generated sample after those of the reference."""

    sides: tuple[Rows, Rows]
    train: NDArray[np.intp]
    validate: NDArray[np.intp]
    test: NDArray[np.intp]

    def batch(self, index: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Inputs and labels, in any order within the batch."""
        first = self.sides[0].rows
        real, made = index[index < first], index[index >= first] - first
        inputs = np.concatenate([self.sides[0].take(real), self.sides[1].take(made)])
        return inputs, np.repeat([0.0, 1.0], [len(real), len(made)]).astype(np.float32)


def _split(reference: Rows, generated: Rows, rng: np.random.Generator) -> _Parts:
    parts: list[list[NDArray[np.intp]]] = [[], [], []]
    start = 0
    for side in (reference, generated):
        order = start + rng.permutation(side.rows)
        ends = [int(0.6 * side.rows), int(0.8 * side.rows)]
        for part, piece in zip(parts, np.split(order, ends), strict=True):
            part.append(piece)
        start += side.rows
    train, validate, test = (np.concatenate(part) for part in parts)
    return _Parts((reference, generated), train, validate, test)


class _Training:
    def __init__(self, parts: _Parts, budget: Budget, width: int) -> None:
        self.parts, self.budget = parts, budget
        self.device = _device(budget.device)
        self.mean, self.spread = _standard(parts)
        self.net = nn.Sequential(
            nn.Linear(width, budget.hidden),
            nn.LeakyReLU(0.1),
            nn.Linear(budget.hidden, budget.hidden),
            nn.LeakyReLU(0.1),
            nn.Linear(budget.hidden, 1),
        ).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=budget.rate, weight_decay=budget.decay
        )

    def run(self, rng: np.random.Generator, progress: Callable[[int, int], None] | None) -> int:
        """The best epoch, whose weights are kept."""
        loss = nn.BCEWithLogitsLoss()
        best, best_epoch, kept = float("inf"), 0, self._weights()
        for epoch in range(1, self.budget.epochs + 1):
            self.net.train()
            for inputs, labels in self._batches(rng.permutation(self.parts.train)):
                self.optimiser.zero_grad(set_to_none=True)
                loss(self.net(inputs)[:, 0], labels).backward()
                self.optimiser.step()
            found = self._loss(self.parts.validate)
            if found < best:
                best, best_epoch, kept = found, epoch, self._weights()
            if progress is not None:
                progress(epoch, self.budget.epochs)
            if epoch - best_epoch >= self.budget.patience:
                break
        self.net.load_state_dict(kept)
        return best_epoch

    def scores(self, index: NDArray[np.intp]) -> tuple[Array, Array]:
        """Outputs and labels."""
        self.net.eval()
        outputs, labels = [], []
        with torch.no_grad():
            for inputs, truth in self._batches(index):
                outputs.append(self.net(inputs)[:, 0].double().cpu().numpy())
                labels.append(truth.double().cpu().numpy())
        return np.concatenate(outputs), np.concatenate(labels)

    def _loss(self, index: NDArray[np.intp]) -> float:
        outputs, labels = self.scores(index)
        signed = np.where(labels > 0, -outputs, outputs)
        return float(np.logaddexp(0, signed).mean())

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.net.state_dict().items()}

    def _batches(self, index: NDArray[np.intp]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for start in range(0, len(index), self.budget.batch):
            inputs, labels = self.parts.batch(index[start : start + self.budget.batch])
            scaled = (inputs - self.mean) / self.spread
            yield torch.from_numpy(scaled).to(self.device), torch.from_numpy(labels).to(self.device)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(
            f"'{name}' is no device", where="--device", remedy="use auto, cpu, cuda or cuda:N"
        ) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device is usable", where="--device", remedy="use cpu")
    return device


def _standard(parts: _Parts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of every input over training showers.

    No spread is below a twentieth of what most inputs have: one that hardly ever varies (the
    outermost cell) would else outweigh all others.
    """
    count, total, square = 0, np.zeros(1), np.zeros(1)
    for start in range(0, len(parts.train), 1000):
        inputs = parts.batch(parts.train[start : start + 1000])[0].astype(np.float64)
        count += len(inputs)
        total = total + inputs.sum(0)
        square = square + np.square(inputs).sum(0)
    mean = total / count
    spread = np.sqrt(np.maximum(square / count - mean**2, 0))
    varied = spread[spread > 0]
    least = 0.05 * float(np.quantile(varied, 0.9)) if len(varied) else 1.0
    return mean.astype(np.float32), np.maximum(spread, least).astype(np.float32)
