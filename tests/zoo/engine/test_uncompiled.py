"""Trainings import no compiler, and their optimizers do what torch's do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from zoo.engine import uncompiled

RULES = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop)
CODE = """
import sys
from zoo.cli.app import main
for _ in range(2):  # the second resumes
    try:
        main()
    except SystemExit as end:
        assert end.code in {0, 75}, end.code
sys.exit(sorted({"torch._dynamo", "torch._inductor", "sympy"} & sys.modules.keys()) or None)
"""


@pytest.mark.parametrize("model", ["mini-track/pad-net", "mini-light/siren"])  # whole, in chunks
def test_a_training_and_its_resumption_import_no_compiler(model: str, tmp_path: Path) -> None:
    train = ("train", model, "--recipe", "quick", "--out", tmp_path / "run")
    sizes = ("data.events=60", "training.steps=2", "engine.device=cpu")
    words = (*map(str, train), *(word for size in sizes for word in ("--set", size)))
    command = [sys.executable, "-c", CODE, *words]
    done = subprocess.run([*command, "--max-time", "1e-9"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "resumed at step" in done.stderr


@pytest.mark.parametrize("kind", RULES)
def test_steps_are_those_of_torch(
    kind: type[torch.optim.Optimizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    starts, gradients = torch.randn(5), torch.randn(3, 5)

    def trained(there: bool) -> torch.Tensor:
        monkeypatch.setattr(uncompiled, "_compiler_is_there", lambda: there)
        parameter = torch.nn.Parameter(starts.clone())
        with uncompiled.without_compiler():
            rule = kind([parameter], lr=0.1, weight_decay=0.01)
            for gradient in gradients:
                parameter.grad = gradient.clone()
                uncompiled.step(rule)
                rule.zero_grad()
            rule.load_state_dict(rule.state_dict())
        return parameter.detach()

    assert torch.equal(trained(there=False), trained(there=True))


def test_what_torch_calls_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncompiled, "_compiler_is_there", lambda: False)
    marked = torch.optim.Optimizer.zero_grad.__wrapped__  # type: ignore[attr-defined]
    before = vars(marked).copy()
    vars(marked).clear()
    with uncompiled.without_compiler():
        assert vars(marked) == {"__dynamo_disable": marked}
    assert not vars(marked)
    vars(marked).update(before)
