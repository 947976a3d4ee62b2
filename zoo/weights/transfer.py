"""One file over HTTP, by urllib3: certificates, proxies and connections are its work.

What is ours: a transfer goes on where it was cut; a server is never waited for without end; not a
byte more than the card says is taken; and redirects.

Redirects are followed, five at most, for Hugging Face and other archives answer with them. As the
bytes are checked against the card's digest, it does not matter for their safety which host sends
them. So what is refused is what else a redirect can do: lead from https to another scheme, or from
the network into this machine. A token is sent to the host that the card names and to no other.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from zoo.artifacts.environment import package_versions
from zoo.errors import UsageError
from zoo.weights.names import is_loopback

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["SLOW", "Cut", "Patience", "Refused", "allowed", "patience", "transfer"]

_REDIRECTS = 5
_BUSY = (429, 500, 502, 503, 504)
_BLOCK = 2**16
SLOW = 1024
"""Bytes a second, over the time of patience; less is a server that stalls."""


class Refused(Exception):  # noqa: N818  # a reason for the next mirror, not an error for people
    """This mirror is of no use."""


class Cut(Exception):  # noqa: N818  # likewise
    """The transfer ended before its end; it may go on.

    Args:
        reason: For people.
        wait: Seconds that the server asks for.
    """

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        silence: Seconds without a byte, or with hardly any.
        attempts: In a row that bring nothing.
        pause: Seconds before the second; doubled with each.
    """

    silence: float = 30.0
    attempts: int = 3
    pause: float = 1.0


def patience() -> Patience:
    """The default, or that of ``ZOO_TIMEOUT``: seconds without a byte.

    Raises:
        UsageError: If that is no number.
    """
    text = os.environ.get("ZOO_TIMEOUT", "")
    if not text:
        return Patience()
    if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) == 0:
        raise UsageError("is no number of seconds", where=f"ZOO_TIMEOUT={text}", remedy="say 30")
    return Patience(silence=float(text), pause=min(1.0, float(text)))


def transfer(
    url: str, part: Path, size: int, limits: Patience, progress: Callable[[int, int], None]
) -> None:
    """Get what is missing of a file; one attempt.

    Args:
        url: Where it is.
        part: What is there of it; grows.
        size: Bytes of the whole.
        limits: How long a server is waited for.
        progress: Is told bytes that are there, bytes in all.

    Raises:
        Cut: If the connection ended or stalled; the part stays.
        Refused: If this server will not give the file.
        OSError: If the part cannot be written.
    """
    there = part.stat().st_size if part.exists() else 0
    if there >= size:
        return
    with _answer(url, there, limits) as answer:
        there = _beginning(answer, there)
        announced = answer.headers.get("Content-Length")
        if announced is not None and announced != str(size - there):
            raise Refused(f"it announces {announced} bytes where {size - there} are missing")
        with part.open("r+b" if part.exists() else "wb") as stream:
            stream.truncate(there)
            stream.seek(there)
            for block in _blocks(answer, limits):
                there += len(block)
                if there > size:
                    stream.truncate(0)
                    raise Refused(f"it sends more than the {size} bytes that the card says")
                stream.write(block)
                stream.flush()  # what has come outlives a kill
                progress(there, size)
    if there < size:
        raise Cut(f"the connection ended after {there} of {size} bytes")


def _beginning(answer: BaseHTTPResponse, there: int) -> int:
    """Where the answer begins in the file."""
    if answer.status == 200:
        return 0
    if answer.status == 206:
        told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != there:
            raise Refused("it sends another part of the file than it was asked for")
        return there
    reason = _status(answer.status)
    if answer.status in _BUSY:
        raise Cut(reason, _wait(answer.headers.get("Retry-After", "")))
    if answer.status in (401, 403):
        raise Refused(f"{reason}; a private server is given a token by ZOO_TOKEN_<HOST>")
    raise Refused(reason)


def _status(code: int) -> str:
    """In our words: those of the server may steer a terminal."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _blocks(answer: BaseHTTPResponse, limits: Patience) -> Iterator[bytes]:
    """What comes, at once; a server that sends a byte now and then is cut off."""
    from urllib3.exceptions import HTTPError

    start, came = time.monotonic(), 0
    try:
        while block := answer.read1(_BLOCK, decode_content=False):
            yield block
            came += len(block)
            passed = time.monotonic() - start
            if passed > limits.silence:
                if came < SLOW * passed:
                    raise Cut(f"it stalls: {came} bytes in {passed:.3g} s")
                start, came = time.monotonic(), 0
    except HTTPError as error:
        raise Cut(_reason(error, limits)) from error


@contextmanager
def _answer(url: str, there: int, limits: Patience) -> Iterator[BaseHTTPResponse]:
    """The answer that is no redirect."""
    from urllib3.exceptions import HTTPError

    first = _host(url)
    for _ in range(_REDIRECTS + 1):
        pool = _pool(url, limits)
        try:
            answer = pool.request(
                "GET",
                url,
                headers=_headers(url, there, first),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, ValueError) as error:  # a wrong port is a ValueError
            raise _unreached(error, limits) from error
        try:
            location = answer.get_redirect_location()
            if not location:
                yield answer
                return
            url = allowed(url, urljoin(url, location))
        finally:
            answer.close()
            pool.clear()
    raise Refused(f"it redirects more than {_REDIRECTS} times")


def _pool(url: str, limits: Patience) -> PoolManager:
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    timeout = urllib3.Timeout(connect=min(10.0, limits.silence), read=limits.silence)
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and not is_loopback(parts.hostname or "") and not proxy_bypass(parts.netloc):
        return urllib3.ProxyManager(proxy, timeout=timeout)
    return urllib3.PoolManager(timeout=timeout)


def _headers(url: str, there: int, first: tuple[str, str, int | None]) -> dict[str, str]:
    version = package_versions(["detector-zoo"])["detector-zoo"] or "unknown"
    headers = {"User-Agent": f"detector-zoo/{version}", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    name = re.sub(r"[^A-Z0-9]", "_", (urlsplit(url).hostname or "").upper())
    token = os.environ.get(f"ZOO_TOKEN_{name}", "")
    if token and _host(url) == first:
        if not re.fullmatch(r"[!-~]+", token):  # and it is not told
            raise UsageError(
                "holds spaces or other characters that no token has",
                where=f"ZOO_TOKEN_{name}",
                remedy="set it again, without a line end",
            )
        headers["Authorization"] = f"Bearer {token}"
    return headers


def allowed(here: str, there: str) -> str:
    """Where a redirect may lead."""
    try:
        old, new = urlsplit(here), urlsplit(there)
        host, _ = new.hostname or "", new.port
    except ValueError as error:
        raise Refused(f"it redirects to no address ({error})") from error
    if new.scheme not in (old.scheme, "https"):
        raise Refused(f"it redirects from {old.scheme}: to {new.scheme}:")
    if not host or new.username or new.password:
        raise Refused("it redirects to no host, or with a password")
    if is_loopback(host) and not is_loopback(old.hostname or ""):
        raise Refused("it redirects from the network into this machine")
    return there


def _host(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _wait(text: str) -> float:
    """Seconds of ``Retry-After``, within reason; a date there is not waited for."""
    return min(float(text), 60.0) if text.isdecimal() else 0.0


def _unreached(error: Exception, limits: Patience) -> Exception:
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    broken = isinstance(error, ProtocolError | ReadTimeoutError)
    return (Cut if broken else Refused)(_reason(error, limits))


def _reason(error: Exception, limits: Patience) -> str:
    """In the words of people, without the address, which the message has anyway."""
    from urllib3.exceptions import (
        ConnectTimeoutError,
        NameResolutionError,
        NewConnectionError,
        ProtocolError,
        ReadTimeoutError,
        SSLError,
    )

    match error:
        case ReadTimeoutError():
            return f"it stalls: no byte in {limits.silence:g} s"
        case NameResolutionError():
            return "its host has no address"
        case NewConnectionError():
            return "no connection"
        case ConnectTimeoutError():
            return "no connection in time"
        case SSLError():
            return f"its certificate is not accepted ({error})"
    early = isinstance(error, ProtocolError)
    how = "before the end of the file" if early else f"({type(error).__name__}: {error})"
    return f"the connection broke {how}"
