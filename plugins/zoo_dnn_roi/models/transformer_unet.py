"""Transformer-UNet: the U-Net of the DNN-ROI talk with attention at its deepest level.

At a sixteenth of the size each pixel is a token: sines and cosines of its wire and of its bin are
added (Vaswani et al., arXiv:1706.03762, in two dimensions: half of the channels for either), then
come four transformer blocks with the normalisation before attention and before the perceptron (512
channels, 8 heads, 2048 hidden, GELU, no dropout) and the decoder of the U-Net. 26.005 M parameters.

Layout and names are those of https://github.com/lastgeorge/Pytorch-UNet (``transformer``), where
the encoder begins with ``inc.conv.0``; for the rest of the U-Net see :mod:`.unet`. Attention is
written out with the names of ``nn.MultiheadAttention``: its fast path would hold the matrix of all
pairs of tokens, which ``scaled_dot_product_attention`` never makes.

``tiles`` cut the U-Net around it. The attention is global and stays whole: 1850 tokens for a plane
of 800 x 600.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_dnn_roi.config import TransformerUNetConfig
from zoo_dnn_roi.models.unet import DoubleConvolution, UNet

__all__ = ["TransformerUNet", "networks", "position_code"]

_WIDTH = 512
_HEADS = 8
_HIDDEN = 4 * _WIDTH
_BLOCKS = 4
_LONGEST = 10_000.0
"""Ratio of the longest wavelength of the position code to the shortest."""


def networks(
    config: TransformerUNetConfig,
    facts: Mapping[str, object],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``."""
    return {"net": TransformerUNet(len(config.inputs))}


class TransformerUNet(UNet):
    """The U-Net with four transformer blocks at stride 16.

    Args:
        channels: Images per plane.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.inc = DoubleConvolution(channels, 64)  # without the level of names that the U-Net has
        self.blocks = nn.Sequential(*(_Block() for _ in range(_BLOCKS)))

    def _deepest(self, x: Tensor) -> Tensor:
        wires, bins = x.shape[2:]
        half = _WIDTH // 2
        with_wire = x[:, :half] + position_code(wires, half, x.device)[:, :, None]
        with_bin = x[:, half:] + position_code(bins, half, x.device)[:, None, :]
        tokens = torch.cat([with_wire, with_bin], dim=1).flatten(2).transpose(1, 2)
        answer: Tensor = self.blocks(tokens)
        return answer.transpose(1, 2).reshape(x.shape)


def position_code(length: int, channels: int, device: torch.device) -> Tensor:
    """Sines, then cosines, of positions 0, 1, ... at frequencies from 1 down to nearly 1e-4.

    Returns:
        float32 (channels, length).
    """
    half = channels // 2
    frequency = _LONGEST ** (-torch.arange(half, device=device, dtype=torch.float32) / half)
    position = torch.arange(length, device=device, dtype=torch.float32)
    phase = frequency[:, None] * position
    return torch.cat([phase.sin(), phase.cos()])


class _Block(nn.Module):
    """Attention and a perceptron, each on normalised tokens and added to them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(_WIDTH)
        self.attn = _Attention()
        self.norm2 = nn.LayerNorm(_WIDTH)
        self.mlp = _Perceptron()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        answer: Tensor = tokens + self.mlp(self.norm2(tokens))
        return answer


class _Attention(nn.Module):
    """Every token looks at every token; names and start as in ``nn.MultiheadAttention``."""

    def __init__(self) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * _WIDTH, _WIDTH))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * _WIDTH))
        self.out_proj = nn.Linear(_WIDTH, _WIDTH)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        projected = functional.linear(tokens, self.in_proj_weight, self.in_proj_bias)
        query, key, value = (
            part.reshape(*part.shape[:2], _HEADS, _WIDTH // _HEADS).transpose(1, 2)
            for part in projected.chunk(3, dim=2)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        answer: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return answer


class _Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(_WIDTH, _HIDDEN)
        self.fc2 = nn.Linear(_HIDDEN, _WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        answer: Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return answer
