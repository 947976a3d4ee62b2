"""Optimizers by phase: which parameters, which rule, which rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.config.run import OptimizerConfig
from zoo.engine import uncompiled
from zoo.engine.layout import are_dense, laid_out
from zoo.engine.precision import Precision
from zoo.engine.schedules import Plateau, Progress, schedule_factor
from zoo.errors import ConfigError, NonFiniteError, WeightsError, suggestion

__all__ = ["PhaseOptimizer", "StepReport", "build_optimizers"]

_SMALLEST_SCALE = 2.0**-24
_FUSED = {torch.float32, torch.float64}


@dataclass(frozen=True)
class StepReport:
    """What one optimizer step did.

    Attributes:
        rate: The learning rate.
        norm: Norm of the gradient before clipping; infinite where fp16 overflowed.
        skipped: Whether the loss scaler left the parameters alone.
    """

    rate: float
    norm: float
    skipped: bool


class PhaseOptimizer:
    """One optimizer with its schedule, clipping and loss scaler.

    Attributes:
        networks: Names of the networks that it drives.
        names: ``NETWORK/PARAMETER`` of each parameter, in order.
        parameters: Those that require a gradient.
        updates: Steps taken.
        total: Steps expected in the whole training.
        per_epoch: Steps expected in one epoch.
    """

    def __init__(
        self,
        phase: str,
        config: OptimizerConfig,
        networks: Mapping[str, nn.Module],
        precision: Precision,
        *,
        total: int,
        per_epoch: float,
    ) -> None:
        self.config = config
        self.networks = tuple(networks)
        named = [
            (f"{network}/{name}", parameter)
            for network, module in networks.items()
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        ]
        if not named:
            raise ConfigError(
                "it has no parameter to train",
                where=f"optimizers.{phase}",
                remedy="its networks are frozen or have none: take the optimizer out",
            )
        self.names = [name for name, _ in named]
        self.parameters = [parameter for _, parameter in named]
        self.rule = _rule(config, self.parameters)
        self.scaler = precision.scaler()
        self.plateau = Plateau()
        self.updates, self.total, self.per_epoch = 0, total, per_epoch

    def rate(self, epoch: int) -> float:
        """The learning rate of the update to come."""
        at = Progress(self.updates, self.total, epoch, self.per_epoch)
        return self.config.lr * schedule_factor(self.config.schedule, at) * self.plateau.factor

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss to differentiate: multiplied for fp16, else unchanged."""
        return loss if self.scaler is None else self.scaler.scale(loss)

    def step(self, gradients: Sequence[Tensor | None], epoch: int) -> StepReport:
        """Apply gradients (of the scaled loss), one per parameter; ``None``: leave it alone.

        They may be changed in place.

        Raises:
            NonFiniteError: If the gradient is not finite, or fp16 overflows at any scale.
        """
        rate = self.rate(epoch)
        for group in self.rule.param_groups:
            group["lr"] = rate
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = None if gradient is None else laid_out(gradient, parameter)
        _begin_momentum(self.rule)
        if self.scaler is not None:
            self.scaler.unscale_(self.rule)
        norm = self._clip()
        finite = norm < float("inf")  # false for NaN too
        if self.scaler is None:
            if not finite:
                raise NonFiniteError("the gradient is not finite")
            uncompiled.step(self.rule)
        else:
            self._scaled_step(self.scaler)
        self.rule.zero_grad()
        self.updates += 1
        return StepReport(rate, norm, skipped=not finite)

    def _clip(self) -> float:
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if self.config.clip is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.config.clip, norm)
        return float(norm)

    def _scaled_step(self, scaler: torch.amp.GradScaler) -> None:
        scaler.step(self.rule)
        scaler.update()
        if scaler.get_scale() < _SMALLEST_SCALE:
            raise NonFiniteError(
                "fp16 overflows at any loss scale", remedy="set training.precision to bf16 or fp32"
            )

    def state(self) -> dict[str, Any]:
        """Tensors and JSON for a checkpoint, by parameter name."""
        states = self.rule.state_dict()["state"]
        return {
            "updates": self.updates,
            "plateau": self.plateau.state(),
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
            "parameters": {self.names[index]: dict(state) for index, state in states.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`.

        Raises:
            WeightsError: If it belongs to other parameters.
        """
        strangers = sorted(set(state["parameters"]) - set(self.names))
        if strangers:
            raise WeightsError(f"the checkpoint has an unknown parameter '{strangers[0]}'")
        index = {name: i for i, name in enumerate(self.names)}
        states = {index[name]: dict(value) for name, value in state["parameters"].items()}
        groups = self.rule.state_dict()["param_groups"]
        self.rule.load_state_dict({"state": states, "param_groups": groups})
        for parameter, held in self.rule.state.items():
            for name, value in held.items():
                if value.shape == parameter.shape:
                    held[name] = laid_out(value, parameter)
        self.updates = state["updates"]
        self.plateau = Plateau(**state["plateau"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])


def build_optimizers(
    configs: Mapping[str, OptimizerConfig],
    networks: Mapping[str, nn.Module],
    precision: Precision,
    *,
    totals: Mapping[str, int],
    steps_per_epoch: float,
) -> dict[str, PhaseOptimizer]:
    """One optimizer per phase.

    Args:
        configs: Phase -> settings.
        networks: Network -> module.
        precision: Decides whether losses are scaled.
        totals: Phase -> updates expected in the whole training.
        steps_per_epoch: Updates of all phases in one epoch.

    Raises:
        ConfigError: If a network is unknown, or an optimizer has nothing to train.
    """
    all_steps = max(1, sum(totals.values()))
    built = {}
    for phase, config in configs.items():
        driven = {name: _network(networks, name, phase) for name in config.networks or (phase,)}
        total = totals.get(phase, 0)
        per_epoch = steps_per_epoch * total / all_steps
        built[phase] = PhaseOptimizer(
            phase, config, driven, precision, total=total, per_epoch=per_epoch
        )
    return built


def _network(networks: Mapping[str, nn.Module], name: str, phase: str) -> nn.Module:
    if name not in networks:
        raise ConfigError(
            f"the model has no network '{name}'",
            where=f"optimizers.{phase}.networks",
            remedy=suggestion(name, networks),
        )
    return networks[name]


def _rule(config: OptimizerConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    decay = config.weight_decay
    betas = (float(config.betas[0]), float(config.betas[1]))  # torch refuses an integer 0
    fused = _can_be_fused(parameters)
    match config.kind:
        case "sgd":
            return torch.optim.SGD(
                parameters,
                config.lr,
                momentum=config.momentum,
                nesterov=config.nesterov,
                weight_decay=decay,
                fused=fused,
            )
        case "adam":
            return torch.optim.Adam(
                parameters, config.lr, betas=betas, eps=config.eps, weight_decay=decay, fused=fused
            )
        case "adamw":
            return torch.optim.AdamW(
                parameters, config.lr, betas=betas, eps=config.eps, weight_decay=decay, fused=fused
            )
        case "rmsprop":  # torch has no fused one
            return torch.optim.RMSprop(
                parameters,
                config.lr,
                alpha=config.alpha,
                eps=config.eps,
                momentum=config.momentum,
                weight_decay=decay,
            )


def _can_be_fused(parameters: Sequence[Tensor]) -> bool:
    """Whether one kernel can update them all.

    Those on the CPU check no strides, and that of SGD is wrong for bfloat16 in torch 2.11.
    """
    known = all(p.dtype in _FUSED and p.device.type in {"cpu", "cuda"} for p in parameters)
    return known and are_dense(parameters)


@torch.no_grad()
def _begin_momentum(rule: torch.optim.Optimizer) -> None:
    """Give each parameter that is about to step for the first time a momentum of zero.

    Torch's fused SGD begins with memory as it finds it, which stays so if the loss scaler skips
    that step, and fails where a parameter gets its first gradient later than others.
    """
    group = rule.param_groups[0]
    if not (isinstance(rule, torch.optim.SGD) and group["fused"] and group["momentum"]):
        return
    for parameter in group["params"]:
        if parameter.grad is not None and "momentum_buffer" not in rule.state[parameter]:
            rule.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
