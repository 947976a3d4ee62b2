"""Cards: reviewed TOML files that say what published weights and data sets are.

A card of weights tells which file it is (digest, size, mirrors), who may use it, how it was made,
what it measured, and what it is valid for. A card of data tells where a data set is and how zoo
reads it. A fact that nobody has stated is left out or ``unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field as Bounds
from pydantic import FiniteFloat, PrivateAttr, model_validator

from zoo.config.base import Config
from zoo.weights.names import (
    UNKNOWN,
    Digest,
    Doi,
    FileName,
    Id,
    KnownLicence,
    Licence,
    Md5,
    MirrorText,
    Sha256,
    Version,
    parse_mirror,
)

__all__ = [
    "BestPublished",
    "Card",
    "CardFile",
    "DataCard",
    "DataFile",
    "DataLicence",
    "Domain",
    "Licences",
    "Lineage",
    "Metric",
    "Origin",
    "Reader",
    "Training",
    "WeightsCard",
]

Bytes: TypeAlias = Annotated[int, Bounds(ge=1)]
Text: TypeAlias = Annotated[str, Bounds(min_length=1)]
Count: TypeAlias = Annotated[int, Bounds(ge=0)]


@dataclass(frozen=True)
class Origin:
    """Where a card was found.

    Attributes:
        plugin: Name of the plugin that brings it.
        folder: Resource, ``package:folder``; a folder of the disk for a card that is not installed.
        file: Its name in there.
    """

    plugin: str = ""
    folder: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.folder}/{self.file}" if self.folder else self.file


class _Card(Config):
    """What every card has."""

    id: Id
    """``TASK/NAME``: the model of weights, the name of a data set."""
    version: Version
    """``v1``, ``v2``, ...: another file is another version."""
    summary: Text
    """One sentence."""
    citation: Text
    """What to cite."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def origin(self) -> Origin:
        """Where it was found."""
        return self._origin

    @property
    def ref(self) -> str:
        """``TASK/NAME@VERSION``."""
        return f"{self.id}@{self.version}"

    @property
    def number(self) -> int:
        """The version as a number, for the newest."""
        return int(self.version[1:])

    def found_at(self, origin: Origin) -> None:
        """Note where it was found."""
        self._origin = origin


class CardFile(Config):
    """The model file of a card of weights, or the statement that there is none."""

    published: bool = True
    """Whether there is a file that everybody may have."""
    reason: str = ""
    """Why there is none."""
    name: FileName | None = None
    """Its name."""
    sha256: Sha256 | None = None
    """64 hexadecimal digits."""
    size: Bytes | None = None
    """Bytes."""
    mirrors: tuple[MirrorText, ...] = ()
    """Where it is, tried in this order; none: in caches only."""

    @model_validator(mode="after")
    def _whole(self) -> CardFile:
        given = {"name": self.name, "sha256": self.sha256, "size": self.size}
        missing = [key for key, value in given.items() if value is None]
        if self.published and missing:
            raise ValueError(f"it lacks {', '.join(missing)}; or say published = false")
        if not self.published and (len(missing) < len(given) or self.mirrors):
            raise ValueError("it is not published, so it has no name, sha256, size, mirrors")
        if not self.published and not self.reason:
            raise ValueError("it is not published: say why in reason")
        return self


class Licences(Config):
    """Who may use it."""

    weights: KnownLicence | None = None
    """SPDX expression for the weights."""
    data: Licence
    """SPDX expression for the data of the training, or ``unknown``."""


class Training(Config):
    """How the weights were made; of weights without a file, how to make them."""

    command: Text
    """The command line, from the installed package."""
    environment: Mapping[str, str] | None = None
    """``python``, ``platform``, and versions of packages."""
    config_digest: Sha256 | None = None
    """Of all settings that decide the result: ``lineage.config`` in the file's header."""
    device: Text | None = None
    """Processor or GPU."""
    steps: Count | None = None
    """Updates until these weights."""


class Lineage(Config):
    """What the weights come from."""

    start: str = ""
    """Weights that the training began with: ``TASK/NAME@VERSION`` or a sha256; empty: none."""
    upstream: tuple[str, ...] = ()
    """Models whose predictions it was trained on, likewise."""
    facts: Sha256 | None = None
    """Digest of the facts of the training data."""
    split: str = ""
    """Digest of the split."""
    converted_from: str = ""
    """The foreign file, its publication and digest; empty: trained here."""


class Metric(Config):
    """One number that ``zoo weights audit`` measures again."""

    name: Text
    """As ``zoo eval`` names it."""
    value: FiniteFloat
    """Measured."""
    interval: tuple[FiniteFloat, FiniteFloat] | None = None
    """95 percent interval."""
    unit: str = ""
    """Of value and interval."""
    bin: str = ""
    """The bin it is for; empty: all rows."""
    n: Annotated[int, Bounds(ge=1)]
    """Rows it is made from."""
    data: Text
    """Name of the data."""
    data_digest: Sha256
    """Digest of the rows, as ``zoo eval`` tells it."""
    data_command: str = ""
    """The command that makes or fetches the data; empty: they are in ``data`` as it is."""
    command: Text
    """The command that measures."""

    @model_validator(mode="after")
    def _ordered(self) -> Metric:
        if self.interval is not None and self.interval[0] > self.interval[1]:
            raise ValueError("its interval ends before it begins")
        return self


class Domain(Config):
    """Where the weights may be trusted."""

    trained_on: str = ""
    """What they have seen, for people: ``zoo simulator: ...``."""
    sources: tuple[str, ...] = ()
    """Sources of the task whose samples are of that kind; input of any other one is flagged."""
    valid_for: tuple[str, ...] = ()
    """What else they were shown to be good for."""


class WeightsCard(_Card):
    """Parameters of one model: published, or why they are not and how to make them."""

    kind: Literal["weights"]
    """``weights``."""
    file: CardFile
    """The file."""
    licences: Licences
    """Who may use it."""
    training: Training
    """How it was made."""
    lineage: Lineage = Lineage()
    """What it comes from."""
    domain: Domain = Domain()
    """Where it may be trusted."""
    metrics: tuple[Metric, ...] = ()
    """What it measured."""
    known_failures: tuple[str, ...] | None = None
    """What it is known to get wrong; ``[]``: nothing is known, which somebody has looked for."""

    @property
    def published(self) -> bool:
        """Whether there is a file."""
        return self.file.published

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.id.partition("/")[0]


class DataLicence(Config):
    """Who may use a data set."""

    data: Licence
    """SPDX expression, or ``unknown``."""


class DataFile(Config):
    """One file of a data set, with the digest that its archive publishes."""

    name: FileName
    """Its path within the data set."""
    size: Bytes
    """Bytes."""
    sha256: Sha256 | None = None
    """64 hexadecimal digits."""
    md5: Md5 | None = None
    """32 hexadecimal digits: what some archives publish; it finds accidents, no attacks."""

    @model_validator(mode="after")
    def _known(self) -> DataFile:
        if self.sha256 is None and self.md5 is None:
            raise ValueError("it needs sha256, or md5 as its archive publishes it")
        return self

    @property
    def digest(self) -> Digest:
        """The stronger of what is known."""
        if self.sha256 is not None:
            return Digest("sha256", self.sha256)
        return Digest("md5", self.md5 or "")


class Reader(Config):
    """How zoo reads a data set."""

    source: Text
    """Source of the task."""
    options: Mapping[str, Any] = {}
    """Its ``data.options``."""
    layout: str = ""
    """What the files hold."""


class BestPublished(Config):
    """The best that others have published on this data set."""

    model: Text
    """As its authors name it."""
    name: Text
    """What the number is."""
    value: Text
    """As published."""
    citation: Text
    """Where it stands."""


class DataCard(_Card):
    """A public data set."""

    kind: Literal["data"]
    """``data``."""
    doi: Doi = UNKNOWN
    """DOI without ``https://doi.org/``, or ``unknown``."""
    home: str = ""
    """Where it is described, if there is no DOI."""
    licences: DataLicence
    """Who may use it."""
    files: tuple[DataFile, ...] = ()
    """Files with digests; none: no digest is stated, so nothing can be fetched safely."""
    mirrors: tuple[str, ...] = ()
    """Where the files are: a mirror without the file's name, tried in this order."""
    size: str = ""
    """Of the whole, as published."""
    reader: Reader
    """How zoo reads it."""
    split: str = ""
    """Its parts, as published."""
    best: tuple[BestPublished, ...] = ()
    """What to beat."""

    @property
    def task(self) -> str:
        """Name of the task that reads it."""
        return self.id.partition("/")[0]

    @model_validator(mode="after")
    def _mirrors(self) -> DataCard:
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("two files have one name")
        for base in self.mirrors:
            parse_mirror(f"{base.rstrip('/')}/file")
        return self


Card: TypeAlias = WeightsCard | DataCard
