"""All that a plugin may import. Lazy: naming a thing here does not load torch or numpy.

The names are frozen by a test. Removing one is a new major API version.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from zoo.contract.task import API_VERSION as _API
from zoo.deprecation import DEPRECATED, gone, tell

if TYPE_CHECKING:
    from zoo.config.base import Config as Config
    from zoo.config.migration import Migration as Migration
    from zoo.contract.checkpoint import Checkpoint as Checkpoint
    from zoo.contract.checkpoint import Conversion as Conversion
    from zoo.contract.codec import Batch as Batch
    from zoo.contract.codec import Codec as Codec
    from zoo.contract.deploy import Consumer as Consumer
    from zoo.contract.deploy import ConsumerContract as ConsumerContract
    from zoo.contract.deploy import Deploy as Deploy
    from zoo.contract.figures import BinnedNumber as BinnedNumber
    from zoo.contract.figures import Drawing as Drawing
    from zoo.contract.figures import Evaluation as Evaluation
    from zoo.contract.figures import Figures as Figures
    from zoo.contract.figures import Interactive as Interactive
    from zoo.contract.learning import Context as Context
    from zoo.contract.learning import Loss as Loss
    from zoo.contract.logger import LoggedRun as LoggedRun
    from zoo.contract.logger import Logger as Logger
    from zoo.contract.metrics import Metrics as Metrics
    from zoo.contract.metrics import Number as Number
    from zoo.contract.predictor import Predictor as Predictor
    from zoo.contract.refs import Ref as Ref
    from zoo.contract.source import Block as Block
    from zoo.contract.source import Link as Link
    from zoo.contract.source import Simulator as Simulator
    from zoo.contract.source import Source as Source
    from zoo.contract.specs import Field as Field
    from zoo.contract.specs import Specs as Specs
    from zoo.contract.table import Ragged as Ragged
    from zoo.contract.table import Table as Table
    from zoo.contract.task import API_VERSION as API_VERSION
    from zoo.contract.task import Model as Model
    from zoo.contract.task import SourceSpec as SourceSpec
    from zoo.contract.task import Task as Task
    from zoo.data.hdf5 import open_hdf5 as open_hdf5
    from zoo.data.hdf5_out import append_rows as append_rows
    from zoo.data.hdf5_out import growing_dataset as growing_dataset
    from zoo.data.hdf5_out import new_hdf5 as new_hdf5
    from zoo.data.keys import generator as generator
    from zoo.data.keys import normal as normal
    from zoo.data.keys import row_ids as row_ids
    from zoo.data.keys import sample_ids as sample_ids
    from zoo.data.keys import uniform as uniform
    from zoo.engine.chunked import chunked as chunked
    from zoo.engine.learner import Learner as Learner
    from zoo.errors import ConfigError as ConfigError
    from zoo.errors import DataError as DataError
    from zoo.errors import ParityError as ParityError
    from zoo.errors import PluginError as PluginError
    from zoo.errors import UsageError as UsageError
    from zoo.errors import WeightsError as WeightsError
    from zoo.errors import ZooError as ZooError
    from zoo.evaluation import evaluate as evaluate
    from zoo.files import atomic_path as atomic_path
    from zoo.files import file_digest as file_digest
    from zoo.files import write_atomically as write_atomically
    from zoo.hooks import hookimpl as hookimpl
    from zoo.prediction import facts_of as facts_of
    from zoo.prediction import load as load
    from zoo.prediction import read as read
    from zoo.prediction import read_blocks as read_blocks
    from zoo.report.drawing_files import write_drawings as write_drawings

_HOME = {
    "API_VERSION": "zoo.contract.task",
    "Batch": "zoo.contract.codec",
    "BinnedNumber": "zoo.contract.figures",
    "Block": "zoo.contract.source",
    "Checkpoint": "zoo.contract.checkpoint",
    "Codec": "zoo.contract.codec",
    "Config": "zoo.config.base",
    "ConfigError": "zoo.errors",
    "Consumer": "zoo.contract.deploy",
    "ConsumerContract": "zoo.contract.deploy",
    "Context": "zoo.contract.learning",
    "Conversion": "zoo.contract.checkpoint",
    "DataError": "zoo.errors",
    "Deploy": "zoo.contract.deploy",
    "Drawing": "zoo.contract.figures",
    "Evaluation": "zoo.contract.figures",
    "Field": "zoo.contract.specs",
    "Figures": "zoo.contract.figures",
    "Interactive": "zoo.contract.figures",
    "Learner": "zoo.engine.learner",
    "Link": "zoo.contract.source",
    "LoggedRun": "zoo.contract.logger",
    "Logger": "zoo.contract.logger",
    "Loss": "zoo.contract.learning",
    "Metrics": "zoo.contract.metrics",
    "Migration": "zoo.config.migration",
    "Model": "zoo.contract.task",
    "Number": "zoo.contract.metrics",
    "ParityError": "zoo.errors",
    "PluginError": "zoo.errors",
    "Predictor": "zoo.contract.predictor",
    "Ragged": "zoo.contract.table",
    "Ref": "zoo.contract.refs",
    "Simulator": "zoo.contract.source",
    "Source": "zoo.contract.source",
    "SourceSpec": "zoo.contract.task",
    "Specs": "zoo.contract.specs",
    "Table": "zoo.contract.table",
    "Task": "zoo.contract.task",
    "UsageError": "zoo.errors",
    "WeightsError": "zoo.errors",
    "ZooError": "zoo.errors",
    "append_rows": "zoo.data.hdf5_out",
    "atomic_path": "zoo.files",
    "chunked": "zoo.engine.chunked",
    "evaluate": "zoo.evaluation",
    "facts_of": "zoo.prediction",
    "file_digest": "zoo.files",
    "generator": "zoo.data.keys",
    "growing_dataset": "zoo.data.hdf5_out",
    "hookimpl": "zoo.hooks",
    "load": "zoo.prediction",
    "new_hdf5": "zoo.data.hdf5_out",
    "normal": "zoo.data.keys",
    "open_hdf5": "zoo.data.hdf5",
    "read": "zoo.prediction",
    "read_blocks": "zoo.prediction",
    "row_ids": "zoo.data.keys",
    "sample_ids": "zoo.data.keys",
    "uniform": "zoo.data.keys",
    "write_atomically": "zoo.files",
    "write_drawings": "zoo.report.drawing_files",
}
__all__ = sorted(_HOME)  # noqa: PLE0605  # one list of names, not two


def __getattr__(name: str) -> object:
    if name in DEPRECATED and gone(DEPRECATED[name], _API):
        raise ImportError(f"zoo.api.{name} was {DEPRECATED[name]}")
    if name not in _HOME:
        raise AttributeError(f"zoo.api has no {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    if name in DEPRECATED:  # looked up again each time, so that every plugin is told
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001  # who imports it
        tell(f"zoo.api.{name}", DEPRECATED[name], caller)
    else:
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
