"""What names in a card may look like: ids, versions, files, mirrors, licences, digests.

A name that could leave its folder, hide its end or need quoting is no name.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, StringConstraints

__all__ = [
    "UNKNOWN",
    "Digest",
    "Doi",
    "FileName",
    "Id",
    "KnownLicence",
    "Licence",
    "Md5",
    "Mirror",
    "MirrorText",
    "Sha256",
    "Version",
    "is_loopback",
    "parse_mirror",
]

UNKNOWN = "unknown"
"""What a card says of a fact that nobody has stated."""

ZENODO = "https://zenodo.org"
HUGGING_FACE = "https://huggingface.co"

_PART = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
_FILE = re.compile(rf"{_PART}(/{_PART})*")
_DOI = re.compile(r"10\.\d{4,9}/[A-Za-z0-9._;()/:-]+")
_ZENODO_DOI = re.compile(rf"10\.5281/zenodo\.(\d+)/({_PART}(?:/{_PART})*)")
_HUGGING_FACE = re.compile(rf"({_PART}/{_PART})@({_PART})/({_PART}(?:/{_PART})*)")


@dataclass(frozen=True)
class Mirror:
    """Where a file can be had.

    Attributes:
        text: As the card says it.
        url: ``https://...``, where it is on the network.
        path: Where it is on a disk.
        resource: Where it is beside the card.
    """

    text: str
    url: str = ""
    path: Path | None = None
    resource: str = ""


@dataclass(frozen=True)
class Digest:
    """What a file's bytes are known by.

    Attributes:
        algorithm: ``md5`` finds accidents and no attacks; it is what some archives publish.
        text: Hexadecimal digits.
    """

    algorithm: Literal["sha256", "md5"]
    text: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.text}"


def parse_mirror(text: str) -> Mirror:
    """What a mirror of a card means.

    Args:
        text: ``https://HOST/PATH``, ``doi:10.5281/zenodo.N/FILE``, ``hf://ORG/REPO@REVISION/FILE``,
            ``file:///FOLDER/FILE``, or a path beside the card.

    Raises:
        ValueError: If it is none of these, with the reason.
    """
    scheme, colon, rest = text.partition(":")
    if not colon:
        return Mirror(text, resource=_plain_file(text))
    match scheme:
        case "https" | "http":
            return Mirror(text, url=_checked_url(text))
        case "doi":
            return Mirror(text, url=_zenodo(rest))
        case "hf":
            return Mirror(text, url=_hugging_face(rest))
        case "file":
            return Mirror(text, path=_local(text))
    raise ValueError(f"'{scheme}:' is no mirror zoo knows; use https:, doi:, hf:, file: or a name")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.strip("/") or parts.port == 0:
        raise ValueError("a mirror is https://HOST/PATH")
    if parts.username or parts.password:
        raise ValueError("a mirror has no user and no password; ZOO_TOKEN_<HOST> holds a token")
    if ".." in unquote(parts.path).split("/") or re.search(r"[\s\x00-\x1f\\]", url):
        raise ValueError("a mirror has no '..', no spaces and no backslashes")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("http: tells everybody what is asked for; use https:")
    return url


def _zenodo(rest: str) -> str:
    known = _ZENODO_DOI.fullmatch(rest)
    if known is None:
        raise ValueError("only DOIs of Zenodo name files: doi:10.5281/zenodo.N/FILE")
    return f"{ZENODO}/records/{known[1]}/files/{quote(known[2])}?download=1"


def _hugging_face(rest: str) -> str:
    known = _HUGGING_FACE.fullmatch(rest.removeprefix("//"))
    if known is None or not rest.startswith("//"):
        raise ValueError("a mirror at Hugging Face is hf://ORG/REPO@REVISION/FILE")
    return f"{HUGGING_FACE}/{known[1]}/resolve/{known[2]}/{quote(known[3])}"


def _local(text: str) -> Path:
    parts = urlsplit(text)
    path = Path(unquote(parts.path))
    if parts.netloc or not path.is_absolute() or ".." in path.parts or "\0" in parts.path:
        raise ValueError("a file mirror is file:///FOLDER/FILE, without '..'")
    return path


def _plain_file(name: str) -> str:
    if not _FILE.fullmatch(name):
        raise ValueError(
            "a file is named by letters, digits, '.', '_', '+', '-', in folders parted by '/'; "
            "no part begins with '.'"
        )
    return name


def _checked_mirror(text: str) -> str:
    parse_mirror(text)
    return text


def _spdx(text: str) -> str:
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression as error:
        raise ValueError(
            f"is no SPDX licence expression ({error}); see spdx.org/licenses, "
            "or write LicenseRef-NAME"
        ) from error


def _spdx_or_unknown(text: str) -> str:
    return text if text == UNKNOWN else _spdx(text)


def _doi_or_unknown(text: str) -> str:
    if text != UNKNOWN and not _DOI.fullmatch(text):
        raise ValueError("a DOI is 10.NNNN/NAME, without https://doi.org/")
    return text


Id: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")
]
Version: TypeAlias = Annotated[str, StringConstraints(pattern=r"^v[1-9][0-9]{0,5}$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Md5: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
FileName: TypeAlias = Annotated[str, AfterValidator(_plain_file)]
MirrorText: TypeAlias = Annotated[str, AfterValidator(_checked_mirror)]
KnownLicence: TypeAlias = Annotated[str, AfterValidator(_spdx)]
Licence: TypeAlias = Annotated[str, AfterValidator(_spdx_or_unknown)]
Doi: TypeAlias = Annotated[str, AfterValidator(_doi_or_unknown)]
