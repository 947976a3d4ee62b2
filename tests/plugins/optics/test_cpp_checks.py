"""The C++ program of the README reads an exported file and its self-checks, with LibTorch alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import SirenVectorConfig
from zoo_optics.learner import OpticsLearner
from zoo_optics.models.vector import vector_networks
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

README = Path(__file__).resolve().parents[3] / "plugins" / "zoo_optics" / "README.md"
LIBTORCH = Path(torch.__file__).parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),  # LibTorch's headers: minutes on a busy machine
    pytest.mark.skipif(
        not (shutil.which("g++") and (LIBTORCH / "include/torch/csrc/api").is_dir()),
        reason="it needs g++ and the headers of LibTorch",
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = re.findall(r"^```cpp\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    folder = tmp_path_factory.mktemp("cpp")
    (folder / "check.cpp").write_text(found[0], encoding="utf-8")
    include, libraries = LIBTORCH / "include", LIBTORCH / "lib"
    abi = int(torch.compiled_with_cxx11_abi())
    command = ["g++", "-std=c++20", "-O0", "check.cpp", "-o", "check"]
    command += [f"-D_GLIBCXX_USE_CXX11_ABI={abi}", f"-I{include}"]
    command += [f"-I{include / 'torch/csrc/api/include'}", f"-L{libraries}"]
    command += ["-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{libraries}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "check"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    facts = LarBox(LarBoxConfig(rows=2, columns=3)).facts
    config = SirenVectorConfig(hidden=16, layers=1)
    learner, codec = OpticsLearner(config, facts), OpticsCodec(config, facts, {})
    nets = vector_networks(config, facts)
    predictor = NetworkPredictor("optics/siren-vector", nets, learner, codec)
    return export(predictor, "ts", out=tmp_path_factory.mktemp("ts")).path


def test_a_right_file(program: Path, exported: Path) -> None:
    done = subprocess.run([program, exported], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["visibility", "gradient"]


def test_a_wrong_unit_is_noticed(program: Path, exported: Path, tmp_path: Path) -> None:
    """Checks in mm, as of a program that forgets to divide."""
    file = tmp_path / exported.name
    shutil.copy(exported, file)
    lines = (exported.parent / f"{exported.name}.checks.txt").read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("output"))
    numbers = [" ".join(str(10 * float(x)) for x in line.split()) for line in lines[1:start]]
    content = [lines[0], *numbers, *lines[start:]]
    (tmp_path / f"{exported.name}.checks.txt").write_text("\n".join(content), encoding="utf-8")
    done = subprocess.run([program, file], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "visibility" in done.stdout
