"""A model must not be judged on what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.config.run import DataConfig
from zoo.contract.source import Block
from zoo.data.splits import SPLIT_SEED, split_blocks, split_digest
from zoo.errors import DataError

__all__ = ["judged_in_training", "refuse_other_split", "same_samples"]


def refuse_other_split(ref: str, data: DataConfig, blocks: Sequence[Block]) -> None:
    """Check that a run's own data are split as in its training, or its test holds training data.

    Args:
        ref: A run or a snapshot; anything else passes.
        data: What it will be judged on.
        blocks: All blocks of these data.

    Raises:
        DataError: If they are split otherwise.
    """
    folder, _ = parse_run(ref)
    if not RunDirectory.is_run(folder):
        return
    run = RunDirectory.open(folder)
    trained = run.read_json(run.data, ("source", "split"))
    if not same_samples(trained["source"], data):
        return
    if (
        split_digest(split_blocks(blocks, data.validation, data.test, SPLIT_SEED))
        != trained["split"]
    ):
        own = {name: trained["source"].get(name, 0.1) for name in ("validation", "test")}
        raise DataError(
            "the run was trained on these data, which were split otherwise",
            where=ref,
            remedy=" ".join(f"--set data.{name}={share}" for name, share in own.items()),
        )


def judged_in_training(
    ref: str, data: DataConfig, blocks: Sequence[Block], judged: Sequence[tuple[Block, slice]]
) -> int:
    """How many of the judged samples a run was trained on, as far as its own data are judged.

    Args:
        ref: A run or a snapshot; anything else was trained on nothing that is known.
        data: What is judged.
        blocks: All blocks of these data.
        judged: Those that are judged, with the rows of each.
    """
    folder, _ = parse_run(ref)
    if not RunDirectory.is_run(folder):
        return 0
    run = RunDirectory.open(folder)
    trained = run.read_json(run.data, ("source",))["source"]
    if not same_samples(trained, data):
        return 0
    validation, test = (float(trained.get(name, 0.1)) for name in ("validation", "test"))
    try:
        train = split_blocks(blocks, validation, test, SPLIT_SEED)["train"]
    except DataError:  # too few groups: the file holds other events now, or no training began
        return 0
    groups = {block.group for block in train}
    return sum(rows.stop for block, rows in judged if block.group in groups)


def same_samples(trained: Mapping[str, Any], data: DataConfig) -> bool:
    """Whether two sections name the same samples: the same file, or the same simulated events."""
    if data.path or trained.get("path"):
        return Path(data.path).resolve() == Path(trained.get("path", "")).resolve()
    names = ("source", "options", "events", "seed")
    return all(trained.get(name) == data.model_dump(mode="json")[name] for name in names)
