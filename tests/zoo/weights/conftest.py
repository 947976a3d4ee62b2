"""A server on this machine that does as it is told, a small model file, and cards."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.weights.cache import Cache
from zoo.weights.cards import Origin, WeightsCard
from zoo.weights.reading import card_from
from zoo.weights.resolving import wanted
from zoo.weights.store import Wanted, obtain
from zoo.weights.transfer import Patience

CONFIG_DIGEST = "c0" * 32

# The tests are no package: this folder's other modules are found by their names.
sys.path.insert(0, str(Path(__file__).parent))


class Handler(BaseHTTPRequestHandler):
    """Answers by what the server holds at a path: bytes, or a function of the handler."""

    server: Loopback
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.asked.append((self.path, dict(self.headers)))
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.send_error(404)
        elif callable(answer):
            answer(self)
        else:
            self.give(answer)

    def give(
        self, content: bytes, *, announced: int | None = None, upto: int | None = None
    ) -> None:
        """Content, from where it was asked for; it may lie about the length, or end early."""
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        whole = len(content) if announced is None else announced
        self.send_header("Content-Length", str(whole - start))
        self.end_headers()
        self.wfile.write(content[start:upto])

    def redirect(self, to: str, status: int = 302) -> None:
        self.send_response(status)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""


class Loopback(ThreadingHTTPServer):
    """A server on 127.0.0.1."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, bytes | Callable[[Any], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.freed = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what is tested."""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_address[1]}{path}"

    def ranges(self) -> list[str]:
        """The range of each request; empty: the whole."""
        return [headers.get("Range", "") for _, headers in self.asked]


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server that is gone when the test is done."""
    with Loopback() as loopback:
        threading.Thread(target=loopback.serve_forever, args=(0.01,), daemon=True).start()
        yield loopback
        loopback.freed.set()
        loopback.shutdown()


@pytest.fixture
def other_server() -> Iterator[Loopback]:
    """Another host: another port is another origin."""
    with Loopback() as loopback:
        threading.Thread(target=loopback.serve_forever, args=(0.01,), daemon=True).start()
        yield loopback
        loopback.shutdown()


class Toys:
    """Model files and cards of ``toy/net``, which no plugin brings.

    Args:
        folder: For the files.
    """

    limits = Patience(silence=20.0, attempts=2, pause=0.01)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content = self.model()
        self.told: list[str] = []

    def model(self, id_: str = "toy/net", config: str = CONFIG_DIGEST) -> bytes:
        """A model file of some thousand bytes."""
        record = ModelRecord(
            model=id_,
            plugin="toy",
            plugin_version="1.0",
            api="1.0",
            config={"width": 4},
            lineage={"config": config, "step": 7},
            tensors={"networks/net/weight": np.arange(1000, dtype=np.float32)},
        )
        file = self.folder / "made.safetensors"
        write_model(file, record)
        content = file.read_bytes()
        file.unlink()
        return content

    def values(self, *mirrors: str, content: bytes | None = None, **file: object) -> dict[str, Any]:
        """A whole card of weights."""
        content = self.content if content is None else content
        about = {
            "name": "net.safetensors",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "mirrors": list(mirrors),
        }
        return {
            "kind": "weights",
            "id": "toy/net",
            "version": "v1",
            "summary": "A net for toys",
            "citation": "Nobody, 2026",
            "known_failures": [],
            "file": about | file,
            "licences": {"weights": "CC-BY-4.0", "data": "CC0-1.0"},
            "training": {
                "command": "zoo train toy/net --data toys.h5",
                "environment": {"python": "3.11.7"},
                "config_digest": CONFIG_DIGEST,
                "device": "cpu",
                "steps": 7,
            },
            "domain": {"trained_on": "zoo simulator: toys"},
        }

    def card(self, *mirrors: str, content: bytes | None = None) -> WeightsCard:
        """The same, read."""
        card = card_from(self.values(*mirrors, content=content), Origin("toy", "", "net.toml"))
        assert isinstance(card, WeightsCard)
        return card

    def wanted(self, *mirrors: str, content: bytes | None = None) -> Wanted:
        """What the store is asked for."""
        return wanted(self.card(*mirrors, content=content))

    def obtain(self, cache: Cache, *mirrors: str, content: bytes | None = None) -> Path:
        """What the store gives, by a server that answers late on a busy machine."""
        return obtain(
            self.wanted(*mirrors, content=content),
            cache,
            tell=self.told.append,
            progress=lambda _, __: None,
            limits=self.limits,
        ).path

    @staticmethod
    def left_in(folder: Path) -> list[str]:
        """Files of a folder but locks, by their path in it."""
        files = (p for p in folder.rglob("*") if p.is_file() and p.parent.name != "locks")
        return sorted(str(path.relative_to(folder)) for path in files)


@pytest.fixture
def toys(tmp_path: Path) -> Toys:
    """Model files and cards."""
    return Toys(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty cache."""
    return Cache(tmp_path / "cache")
