"""The network and its loss; its backbone is that of the semantic networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Batch, Table, WeightsError
from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.training.start import load_start
from zoo_sparse_reco.config import UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.masking.codec import MaskedCodec
from zoo_sparse_reco.masking.config import MaskedUResNetConfig
from zoo_sparse_reco.masking.learner import MaskedLearner
from zoo_sparse_reco.masking.models import masked_networks
from zoo_sparse_reco.masking.patches import SEEN
from zoo_sparse_reco.models.networks import uresnet_networks, uresnet_ppn_networks
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Events = Callable[..., Table]
SMALL: dict[str, Any] = {"filters": 3, "depth": 2, "reps": 1}


def _tensors(batch: Batch) -> Batch:
    def made(values: Any) -> Any:
        return (
            torch.from_numpy(np.ascontiguousarray(values)) if hasattr(values, "dtype") else values
        )

    inputs, targets = (
        {name: made(one) for name, one in some.items()} for some in (batch.inputs, batch.targets)
    )
    return Batch(inputs, targets, batch.ids)


def _batch(events: Events, grid: VoxelGrid, config: MaskedUResNetConfig) -> Batch:
    return _tensors(MaskedCodec(config, grid.facts, {}).encode(events(2)))


def test_the_loss_is_that_of_a_calculation_in_float64(events: Events, grid: VoxelGrid) -> None:
    config = MaskedUResNetConfig.model_validate({**SMALL, "energy_weight": 2.0})
    batch = _batch(events, grid, config)
    torch.manual_seed(1)
    nets = masked_networks(config, grid.facts)
    raw = {name: one.detach().double().numpy() for name, one in nets["net"](**batch.inputs).items()}
    loss = MaskedLearner(config, grid.facts).loss(nets, batch, None)  # type: ignore[arg-type]  # no random numbers
    true = {name: batch.targets[name].double().numpy() for name in ("log_energy", "occupied")}
    voxels = batch.targets["has_energy"].numpy() > 0
    squared = (raw["log_energy"] - true["log_energy"])[voxels] ** 2
    term = loss.terms["energy"]
    assert (term.count, term.weight) == (voxels.sum(), 2.0)
    assert float(term.total.detach()) == pytest.approx(squared.sum(), rel=1e-5)
    places = batch.targets["is_place"].numpy() > 0
    chance = 1 / (1 + np.exp(-raw["occupancy"][places]))
    occupied = true["occupied"][places]
    entropy = -(occupied * np.log(chance) + (1 - occupied) * np.log(1 - chance))
    term = loss.terms["occupancy"]
    assert (term.count, term.weight) == (places.sum(), 1.0)
    assert float(term.total.detach()) == pytest.approx(entropy.sum(), rel=1e-5)


def test_what_stands_for_the_hidden_does_not_matter(events: Events, grid: VoxelGrid) -> None:
    """Numbers in the place of hidden features change nothing; coordinates stay, which do."""
    config = MaskedUResNetConfig.model_validate({**SMALL, "features": ["coordinates", "deposit"]})
    batch = _batch(events, grid, config)
    net = masked_networks(config, grid.facts)["net"].eval()
    hidden = batch.inputs["kind"] != SEEN
    assert hidden.any()
    assert not hidden.all()
    with torch.no_grad():
        before = net(**batch.inputs)["log_energy"]
        features = batch.inputs["features"].clone()
        features[hidden, 3] = 5.0
        assert torch.equal(net(**{**batch.inputs, "features": features})["log_energy"], before)
        features[hidden, 0] += 0.5
        assert not torch.equal(net(**{**batch.inputs, "features": features})["log_energy"], before)


@pytest.mark.parametrize(
    ("config", "networks"),
    [
        (UResNetConfig(**SMALL, ghosts=True), uresnet_networks),
        (UResNetPpnConfig(**SMALL), uresnet_ppn_networks),
    ],
)
def test_the_backbone_goes_over_and_heads_begin_anew(
    tmp_path: Path, grid: VoxelGrid, config: UResNetConfig, networks: Callable[..., Any]
) -> None:
    path, trained = tmp_path / "model.safetensors", _written(tmp_path, grid)
    nets = networks(config, grid.facts)
    with torch.no_grad():
        told = load_start(nets, path)
    backbone = [name for name in nets["net"].state_dict() if name.startswith("backbone.")]
    assert sorted(told.loaded) == sorted(f"net/{name}" for name in backbone)
    for name in backbone:
        assert torch.equal(nets["net"].state_dict()[name], trained[name]), name
    assert all(name.startswith(("net/heads.", "net/points.")) for name in told.missing)
    heads = {name.split(".")[0] for name in told.unused}
    assert heads == {"net/active", "net/energy", "net/occupancy", "net/tokens"}
    assert f"loaded {len(backbone)} tensors; not in the file, so random: net/heads" in str(told)


def test_other_features_are_refused(tmp_path: Path, grid: VoxelGrid) -> None:
    _written(tmp_path, grid)
    nets = uresnet_networks(UResNetConfig(**SMALL, features=("deposit", "coordinates")), grid.facts)
    with pytest.raises(WeightsError, match=r"backbone\.first.*has shape"):
        load_start(nets, tmp_path / "model.safetensors")


def _written(folder: Path, grid: VoxelGrid) -> dict[str, torch.Tensor]:
    """A model file as a training writes it, and its tensors."""
    torch.manual_seed(3)
    config = MaskedUResNetConfig.model_validate(SMALL)
    state: dict[str, torch.Tensor] = masked_networks(config, grid.facts)["net"].state_dict()
    record = ModelRecord(
        model="sparse-masked/uresnet",
        plugin="sparse-reco",
        plugin_version="1",
        api="1.0",
        config=config.model_dump(),
        facts=grid.facts,
        tensors={f"networks/net/{name}": one.numpy() for name, one in state.items()},
    )
    write_model(folder / "model.safetensors", record)
    return state
