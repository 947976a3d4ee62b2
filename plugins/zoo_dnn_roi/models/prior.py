"""The prior of a segmentation head: most pixels lie outside every region of interest."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["expect_few_pixels"]

_LOGIT = -4.0  # 2 %, the occupancy of a plane


def expect_few_pixels(head: nn.Conv2d) -> None:
    """Let an untrained head answer 2 % everywhere, or the first hundred steps only learn that.

    Source: Lin et al., arXiv:1708.02002, section 4.1.
    """
    bias: Tensor | None = head.bias
    assert bias is not None  # every head has one
    nn.init.constant_(bias, _LOGIT)
