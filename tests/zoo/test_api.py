"""``zoo.api`` is frozen: a name that goes, or changes its home, breaks plugins."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

import zoo
from zoo import api

NAMES = """
API_VERSION Batch BinnedNumber Block Checkpoint Codec Config ConfigError Consumer ConsumerContract
Context Conversion DataError Deploy Drawing Evaluation Field Figures Interactive Learner Link
LoggedRun Logger Loss Metrics Migration Model Number ParityError PluginError Predictor Ragged Ref
Simulator Source SourceSpec Specs Table Task UsageError WeightsError ZooError append_rows
atomic_path chunked evaluate facts_of file_digest generator growing_dataset hookimpl load new_hdf5
normal open_hdf5 read read_blocks row_ids sample_ids uniform write_atomically write_drawings
""".split()  # noqa: SIM905  # one name a line would fill a page


def test_the_names_are_frozen() -> None:
    assert api.__all__ == NAMES
    assert dir(api) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves(name: str) -> None:
    assert getattr(api, name) is not None


def test_the_type_checker_sees_the_same_homes() -> None:
    """The block for type checkers and the table for the interpreter say the same."""
    tree = ast.parse(inspect.getsource(api))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    static = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert static == api._HOME


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"zoo\.api has no 'Nothing'"):
        api.Nothing  # noqa: B018  # looking it up is the test


def test_naming_things_of_the_contract_loads_nothing_heavy() -> None:
    code = (
        "import sys, zoo\n"
        "from zoo.api import Field, Model, SourceSpec, Task, hookimpl, ZooError\n"
        "sys.exit(str({'torch', 'numpy', 'h5py'} & sys.modules.keys() or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("name", ["evaluate", "load", "read"])
def test_the_calls_of_a_notebook(name: str) -> None:
    assert getattr(zoo, name) is getattr(api, name)
    assert name in dir(zoo)
