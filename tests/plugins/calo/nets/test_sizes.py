"""Published grids have the published networks; every other grid has one that fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from zoo.api import ConfigError
from zoo_calo.config import (
    CaloConfig,
    WganAngleConfig,
    WganConfig,
    WganLiteConfig,
    WganPionConfig,
)
from zoo_calo.models import lite, pion, wgan
from zoo_calo.models.pion_generator import across, along
from zoo_calo.models.sizes import doubled, halved, shrunk
from zoo_calo.physics.grid import Grid

Grids = Callable[..., Grid]
SHAPES = [(30, 10, 10), (30, 15, 15), (10, 10, 10), (48, 13, 13), (9, 8, 11)]
SMALL_PION = WganPionConfig(
    generator_width=4, critic_widths=(4, 6), critic_blocks=(1, 2), constrainer_widths=(8, 4)
)
MAKERS = {
    "wgan": (wgan.networks, WganConfig(generator_width=4, critic_width=4, constrainer_width=4)),
    "wgan-angle": (wgan.networks, WganAngleConfig(generator_width=4, critic_width=4)),
    "wgan-pion": (pion.networks, SMALL_PION),
    "wgan-lite": (lite.networks, WganLiteConfig(width=8, texture=2, critic_width=8)),
}


def parameters(net: nn.Module) -> int:
    return sum(one.numel() for one in net.parameters())


def test_published_parameters(grids: Grids) -> None:
    # arXiv:2005.05334 and its public code: 3,655,520 of the generator, 253,919 of the critic. Of
    # the constrainer by hand: 432 + 5488 + 13824 + 432 + 4096 + 200100 + 101.
    nets = wgan.networks(WganConfig(), grids(30, 30).facts())
    assert parameters(nets["generator"]) == 3_655_520
    assert parameters(nets["critic"]) == 253_919
    assert parameters(nets["constrainer"]) == 224_473


def test_published_sizes_of_the_photon_networks() -> None:
    # States that the public code notes: 4, 8, 16, 32, 30; 21, 16, 13, 10; 16, 8, 4, 3; 14, 6, 5.
    made = doubled(32, 3)
    assert (made.start, made.sizes, made.kernels) == (4, (8, 16, 32), (4, 4, 4))
    assert shrunk(30, 30, (10, 6, 4, 4)).sizes == (21, 16, 13, 10)
    assert halved(30, (2, 2, 2, 2), (2, 2, 2, 1), 1).sizes == (16, 8, 4, 3)
    assert halved(30, (3, 3, 2), (2, 2, 1), 0).sizes == (14, 6, 5)


def test_published_sizes_of_the_pion_networks() -> None:
    # States and kernels that the public code of arXiv:2112.09709 notes.
    layers, cells = along(48), across(25)
    assert (layers.start, layers.sizes) == (4, (8, 16, 32, 39, 44, 48))
    assert layers.kernels == (4, 4, 4, 10, 8, 7)
    assert (cells.start, cells.sizes) == (4, (6, 10, 11, 12, 23, 25))
    assert (cells.kernels, cells.strides) == ((2, 2, 4, 4, 3, 5), (2, 2, 1, 1, 2, 1))


def test_published_parameters_of_the_pion_networks() -> None:
    # By hand from the public code. Generator: 128 (100 + 1) 64; 256 128 16 + 2 8 6 6;
    # 128 64 16 + 2 16 10 10; 64 32 64 + 2 32 11 11; 32 10 160 + 2 39 12 12; 10 5 72 + 2 44 23 23;
    # 5 175. Critic: 64 100; 6 64 64 27; (64 + 7 128) 128 27 + 64 128; 130.
    with torch.device("meta"):
        generator = pion.PionGenerator(WganPionConfig(), (48, 25, 25))
        critic = pion.PionCritic(WganPionConfig())
    stems, second, third = 128 * 101 * 64, 256 * 128 * 16 + 576, 128 * 64 * 16 + 3200
    fourth, fifth, sixth = 64 * 32 * 64 + 7744, 32 * 10 * 160 + 11232, 10 * 5 * 72 + 46552
    assert parameters(generator) == stems + second + third + fourth + fifth + sixth + 875
    first, blocks = 64 * 100 + 6 * 64 * 64 * 27, (64 + 7 * 128) * 128 * 27 + 64 * 128
    assert parameters(critic) == first + blocks + 130


@pytest.mark.parametrize("size", range(1, 60))
def test_every_size_is_made_by_its_layers(size: int) -> None:
    axes = [doubled(size + 2, 3), doubled(size, 2), along(size + 3)]
    for axis in [*axes, *([across(size)] if size >= 7 else [])]:
        now = axis.start
        assert now >= 1
        layers = zip(axis.kernels, axis.strides, axis.paddings, axis.sizes, strict=True)
        for kernel, stride, padding, expected in layers:
            now = (now - 1) * stride - 2 * padding + kernel
            assert now == expected


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MAKERS)
def test_networks_fit_reduced_grids(name: str, shape: tuple[int, int, int], grids: Grids) -> None:
    make, config = MAKERS[name]
    assert isinstance(config, CaloConfig)
    torch.manual_seed(0)
    nets = make(config, grids(*shape).facts())  # type: ignore[operator]  # each its own config
    latent = torch.rand(2, config.latent, 1, 1, 1) * 2 - 1
    given = torch.tensor([[1.0, 0.3], [5.0, 0.0]])[:, : config.conditions]
    cells = nets["generator"](latent, given)
    assert cells.shape == (2, *shape)
    assert (cells >= 0).all()
    assert (cells > 0).any()
    assert nets["critic"](cells, given).shape == (2,)
    assert nets["constrainer"](cells).shape == (2,)


def test_too_few_cells_for_pions_are_refused(grids: Grids) -> None:
    with pytest.raises(ConfigError, match="at least 7 cells"):
        pion.networks(SMALL_PION, grids(48, 6).facts())


def test_the_post_processor_is_there_when_it_is_wanted(grids: Grids) -> None:
    config = WganConfig.model_validate(
        {"generator_width": 4, "critic_width": 4, "post": {"begin": 3, "width": 8}}
    )
    nets = wgan.networks(config, grids(10, 9).facts())
    made = nets["post"](torch.rand(2, 10, 9, 9), torch.ones(2, 1))
    assert made.shape == (2, 10, 9, 9)
    assert (made >= 0).all()


def test_no_layer_looks_over_the_batch(grids: Grids) -> None:
    """A shower's value does not depend on the others: neither norm nor penalty may mix them."""
    torch.manual_seed(1)
    for make, config in MAKERS.values():
        nets = make(config, grids(10, 9).facts())  # type: ignore[operator]  # each its own config
        cells, given = torch.rand(3, 10, 9, 9), torch.rand(3, config.conditions) + 1
        for name in ("critic", "constrainer"):
            more = (given,) if name == "critic" else ()
            whole = nets[name].train()(cells, *more)
            alone = nets[name](cells[1:2], *(one[1:2] for one in more))
            torch.testing.assert_close(whole[1:2], alone, rtol=1e-4, atol=1e-5)
