"""Sine layers: their initialisation, and the form that saves half of the memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from zoo_optics.models.siren import SineLayer, siren_stack


def stack(recompute: bool, hidden: int = 64, layers: int = 5) -> nn.Sequential:
    torch.manual_seed(1)
    return siren_stack(6, hidden, layers, 1, 30.0, recompute=recompute)


def sines(net: nn.Sequential) -> list[SineLayer]:
    return [layer for layer in net if isinstance(layer, SineLayer)]


@pytest.mark.parametrize(("hidden", "layers", "frequency"), [(64, 5, 30.0), (256, 2, 10.0)])
def test_weights_start_in_the_ranges_of_the_paper(
    hidden: int, layers: int, frequency: float
) -> None:
    """arXiv:2006.09661, section 3.2: +-1/n in the first layer, else +-sqrt(6/n)/omega, evenly."""
    torch.manual_seed(2)
    net = siren_stack(3, hidden, layers, 4, frequency, recompute=True)
    first, *others = [layer.linear.weight.detach() for layer in sines(net)]
    last = net[-1].weight.detach()  # type: ignore[operator, union-attr]
    assert len(others) == layers
    for weight, bound in [(first, 1 / 3)] + [
        (weight, (6 / hidden) ** 0.5 / frequency) for weight in (*others, last)
    ]:
        assert -bound <= weight.min() < -0.9 * bound  # both signs: a one-sided start is a trap
        assert bound >= weight.max() > 0.9 * bound
        # Even in +-b: its deviation is b / sqrt(3).
        error = 4 * bound / (5 * weight.numel()) ** 0.5
        assert float(weight.std()) == pytest.approx(bound / 3**0.5, abs=error)


def test_activations_have_the_statistics_of_the_paper() -> None:
    """There: arguments of deviation 1 after the first layer, sines of the arcsine law.

    The arcsine law has mean 0, variance 1/2, and half of it beyond 1/sqrt(2). The published code
    multiplies its biases, even in +-1/sqrt(n), by omega, too: they add omega^2 / (3 n) to the
    variance of the arguments, which the paper leaves out.
    """
    torch.manual_seed(3)
    hidden, frequency = 256, 30.0
    net = siren_stack(3, hidden, 6, 1, frequency, recompute=False)
    values = 2 * torch.rand(2000, 3) - 1
    with torch.no_grad():
        for place, layer in enumerate(sines(net)):
            product = frequency * values @ layer.linear.weight.T
            argument = product + frequency * layer.linear.bias
            values = layer(values)
            if place > 0:
                assert float(product.std()) == pytest.approx(1, abs=0.12)
                whole = (1 + frequency**2 / (3 * hidden)) ** 0.5
                assert float(argument.std()) == pytest.approx(whole, abs=0.15)
            assert float(values.mean()) == pytest.approx(0, abs=0.12)
            assert float(values.var()) == pytest.approx(0.5, abs=0.05)
            beyond = float((values.abs() > 0.5**0.5).float().mean())
            assert beyond == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rows", [(50, 6), (4, 5, 6)])
def test_the_recomputed_form_is_the_plain_one(rows: tuple[int, ...]) -> None:
    values = torch.rand(rows, generator=torch.Generator().manual_seed(4))
    answers, gradients = [], []
    for recompute in (False, True):
        net, inputs = stack(recompute), values.clone().requires_grad_()
        answer = net(inputs)
        answer.square().sum().backward()
        answers.append(answer.detach())
        gradients.append([inputs.grad, *(p.grad for p in net.parameters())])
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=0)
    for plain, again in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, again, rtol=1e-5, atol=1e-6)


def saved(net: nn.Module, inputs: Tensor) -> int:
    """Bytes that the graph keeps, each storage once, without parameters and input."""
    known = {p.untyped_storage().data_ptr() for p in (*net.parameters(), inputs)}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        alive = net(inputs)
    assert alive.grad_fn is not None
    return sum(kept.values())


def test_the_recomputed_form_keeps_half_of_the_bytes() -> None:
    """Rows x 64 x 4 bytes for every sine, and in the plain form once more for its argument."""
    inputs, one = torch.rand(1000, 6), 1000 * 64 * 4
    assert saved(stack(recompute=True), inputs) == 6 * one
    # Plain: besides, the product with omega keeps nothing, so it is the argument alone.
    assert saved(stack(recompute=False), inputs) == 12 * one


def test_it_can_be_differentiated_by_position_and_again() -> None:
    net, plain = stack(recompute=True).double(), stack(recompute=False).double()
    point = torch.rand(6, dtype=torch.float64, generator=torch.Generator().manual_seed(5))

    def of(one: nn.Module) -> Tensor:
        first = torch.func.jacrev(lambda x: one(x[None])[0])
        second = torch.func.jacrev(first)
        return torch.cat([first(point).flatten(), second(point).flatten()])

    torch.testing.assert_close(of(net), of(plain), rtol=1e-9, atol=1e-9)
    many = torch.rand(5, 6, dtype=torch.float64)
    each = torch.func.vmap(torch.func.jacrev(lambda x: net(x[None])[0]))(many)
    step = 1e-6 * torch.eye(6, dtype=torch.float64)
    finite = torch.stack([(net(many + s) - net(many - s)) / 2e-6 for s in step], dim=2)
    torch.testing.assert_close(each, finite, rtol=1e-4, atol=1e-5)
    inputs = many[:2].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(stack(True, 8, 1).double(), (inputs,))


def test_autocast_reaches_the_second_computation() -> None:
    net, inputs = stack(recompute=True), torch.rand(200, 6)
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(inputs)
        assert answer.dtype == torch.bfloat16
    answer.float().square().sum().backward()
    rough = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    net.zero_grad()
    net(inputs).square().sum().backward()
    for parameter, found in zip(net.parameters(), rough, strict=True):
        assert parameter.grad is not None
        assert found.dtype == torch.float32
        alike = nn.functional.cosine_similarity(found.flatten(), parameter.grad.flatten(), dim=0)
        assert float(alike) > 0.9


def test_a_network_starts_where_it_is_told() -> None:
    torch.manual_seed(6)
    net = siren_stack(3, 32, 2, 4, 30.0, recompute=True, start=-2.5)
    answers = net(torch.rand(500, 3)).detach().numpy()
    np.testing.assert_allclose(answers.mean(), -2.5, atol=0.2)


def test_its_work_is_counted_without_values() -> None:
    """On the device meta, which has no autocast: `zoo train --dry-run` counts there."""
    net, inputs = stack(recompute=True).to("meta"), torch.rand(5, 6, device="meta")
    answer = net(inputs)
    answer.sum().backward()
    assert answer.device.type == "meta"
    assert all(p.grad is not None for p in net.parameters())
