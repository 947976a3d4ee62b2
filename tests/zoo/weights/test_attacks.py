"""Files and servers that are damaged, hostile or lie: what ``attacks.py`` does not say of them."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from zoo.errors import UsageError, WeightsError
from zoo.weights import names
from zoo.weights.cache import Cache
from zoo.weights.transfer import Patience

PATH = "/net.safetensors"
HASTE = Patience(silence=0.3, attempts=2, pause=0.01)


def refused(toys: Any, cache: Cache, *mirrors: str, content: bytes | None = None) -> str:
    """The error of a file that is not given, and nothing is left of it."""
    with pytest.raises(WeightsError) as caught:
        toys.obtain(cache, *mirrors, content=content)
    assert caught.value.exit_code == 5
    assert caught.value.remedy
    assert caught.value.where.startswith("toy/net@v1")
    assert not list(cache.own.rglob("sha256/*/*"))
    return caught.value.message


def test_a_whole_file(toys: Any, cache: Cache, server: Any) -> None:
    server.answers[PATH] = toys.content
    path = toys.obtain(cache, server.url(PATH))
    assert path.read_bytes() == toys.content
    digest = hashlib.sha256(toys.content).hexdigest()
    assert toys.left_in(cache.own) == [f"sha256/{digest[:2]}/{digest}"]
    assert path.stat().st_mode & 0o777 == 0o444
    assert toys.obtain(cache, server.url(PATH)) == path
    assert len(server.asked) == 1


def test_a_file_that_is_not_what_its_card_says_is_not_used_from_a_cache(
    toys: Any, cache: Cache
) -> None:
    other = toys.model("toy/other")
    place = cache.place(toys.wanted(content=other).digest)
    place.parent.mkdir(parents=True)
    place.write_bytes(other)
    with pytest.raises(WeightsError, match="it is for toy/other"):
        toys.obtain(cache, content=other)


def test_a_server_that_stalls(toys: Any, cache: Cache, server: Any) -> None:
    toys.limits = HASTE
    server.answers[PATH] = lambda _: server.freed.wait(20)
    start = time.monotonic()
    assert "no byte in 0.3 s" in refused(toys, cache, server.url(PATH))
    assert time.monotonic() - start < 10


def test_a_server_that_drips(toys: Any, cache: Cache, server: Any) -> None:
    def drip(handler: Any) -> None:
        handler.give(toys.content, upto=0)
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    toys.limits = HASTE
    server.answers[PATH] = drip
    start = time.monotonic()
    message = refused(toys, cache, server.url(PATH))
    assert "it stalls" in message
    assert time.monotonic() - start < 20


def test_a_server_that_drops_is_gone_on_with(toys: Any, cache: Cache, server: Any) -> None:
    begins = iter((700, 1500, 2500, None))
    server.answers[PATH] = lambda h: h.give(toys.content, upto=next(begins))
    assert toys.obtain(cache, server.url(PATH)).read_bytes() == toys.content
    assert server.ranges() == ["", "bytes=700-", "bytes=1500-", "bytes=2500-"]


def test_a_server_that_cannot_go_on_begins_again(toys: Any, cache: Cache, server: Any) -> None:
    def whole(handler: Any) -> None:
        upto = 700 if len(server.asked) == 1 else None
        del handler.headers["Range"]
        handler.give(toys.content, upto=upto)

    server.answers[PATH] = whole
    assert toys.obtain(cache, server.url(PATH)).read_bytes() == toys.content


def test_what_a_liar_has_left_is_not_gone_on_with(
    toys: Any, cache: Cache, server: Any, other_server: Any
) -> None:
    server.answers[PATH] = lambda h: h.give(b"\0" * len(toys.content), upto=700)
    other_server.answers[PATH] = toys.content
    path = toys.obtain(cache, server.url(PATH), other_server.url(PATH))
    assert path.read_bytes() == toys.content
    assert other_server.ranges() == ["bytes=700-", ""]


@pytest.mark.parametrize("status", [404, 403, 500])
def test_mirrors_in_turn(toys: Any, cache: Cache, server: Any, status: int) -> None:
    server.answers["/gone"] = lambda h: h.send_error(status)
    server.answers[PATH] = toys.content
    absent = "file:///nowhere/net.safetensors"
    toys.obtain(cache, absent, server.url("/gone"), "net.safetensors", server.url(PATH))
    assert toys.told[0].endswith(": there is no such file")
    assert str(status) in toys.told[1]
    message = refused(toys, Cache(cache.own / "b"), absent, server.url("/gone"), "beside")
    assert message.count("\n- ") == 3


def test_nobody_answers(toys: Any, cache: Cache, server: Any) -> None:
    port = server.server_address[1]
    server.shutdown()
    server.server_close()
    message = refused(toys, cache, f"http://127.0.0.1:{port}/net.safetensors")
    assert message.endswith(": no connection")


def test_archives(toys: Any, cache: Cache, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOI of Zenodo and a repository of Hugging Face, both played by the server."""
    monkeypatch.setattr(names, "ZENODO", server.url(""))
    monkeypatch.setattr(names, "HUGGING_FACE", server.url("/hf"))
    server.answers["/hf/org/repo/resolve/v1/net.safetensors"] = toys.content
    mirrors = ("doi:10.5281/zenodo.12/net.safetensors", "hf://org/repo@v1/net.safetensors")
    assert toys.obtain(cache, *mirrors).read_bytes() == toys.content
    assert [path for path, _ in server.asked] == [
        "/records/12/files/net.safetensors?download=1",
        "/hf/org/repo/resolve/v1/net.safetensors",
    ]


def test_a_server_that_is_busy_is_waited_for(toys: Any, cache: Cache, server: Any) -> None:
    def busy(handler: Any) -> None:
        if len(server.asked) > 1:
            handler.give(toys.content)
            return
        handler.send_response(429)
        handler.send_header("Retry-After", "0")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers[PATH] = busy
    assert toys.obtain(cache, server.url(PATH)).read_bytes() == toys.content


def test_a_redirect_to_another_host_gets_no_token(
    toys: Any, cache: Cache, server: Any, other_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_TOKEN_127_0_0_1", "secret")
    server.answers["/there"] = lambda h: h.redirect("/further")
    server.answers["/further"] = lambda h: h.redirect(other_server.url("/back"))
    other_server.answers["/back"] = lambda h: h.redirect(other_server.url(PATH))
    other_server.answers[PATH] = toys.content
    assert toys.obtain(cache, server.url("/there")).read_bytes() == toys.content
    tokens = [headers.get("Authorization") for _, headers in server.asked]
    assert tokens == ["Bearer secret", "Bearer secret"]
    assert [headers.get("Authorization") for _, headers in other_server.asked] == [None, None]


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("file:///etc/passwd", "from http: to file:"),
        ("ftp://127.0.0.1/net", "from http: to ftp:"),
        ("http://user:word@127.0.0.1/net", "with a password"),
        ("http://127.0.0.1:x/net", "to no address"),
        ("/there", "more than 5 times"),
    ],
)
def test_a_redirect_to_what_is_no_mirror(
    toys: Any, cache: Cache, server: Any, to: str, says: str
) -> None:
    server.answers["/there"] = lambda h: h.redirect(to)
    assert says in refused(toys, cache, server.url("/there"))


@pytest.mark.parametrize(
    ("here", "there", "says"),
    [
        ("https://a.org/net", "http://a.org/net", "from https: to http:"),
        ("https://a.org/net", "https://127.0.0.1/net", "into this machine"),
        ("https://a.org/net", "https://[::1]/net", "into this machine"),
        ("https://a.org/net", "https://localhost/net", "into this machine"),
    ],
)
def test_a_redirect_from_the_network(here: str, there: str, says: str) -> None:
    from zoo.weights.transfer import Refused, allowed

    with pytest.raises(Refused, match=says):
        allowed(here, there)
    assert allowed(here, "https://b.org/net") == "https://b.org/net"


def test_no_token_is_told(
    toys: Any, cache: Cache, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_TOKEN_127_0_0_1", "secret")
    server.answers[PATH] = lambda h: h.send_error(401)
    message = refused(toys, cache, server.url(PATH))
    assert "ZOO_TOKEN_<HOST>" in message
    assert "secret" not in "".join([message, *toys.told])
    monkeypatch.setenv("ZOO_TOKEN_127_0_0_1", "secret\r\nX: y")
    with pytest.raises(UsageError) as caught:
        toys.obtain(cache, server.url(PATH))
    assert caught.value.where == "ZOO_TOKEN_127_0_0_1"
    assert "secret" not in str(caught.value)


def test_a_server_does_not_steer_the_terminal(toys: Any, cache: Cache, server: Any) -> None:
    server.answers[PATH] = lambda h: h.send_error(404, "\x1b[2Jgone")
    assert refused(toys, cache, server.url(PATH)).endswith(": 404 Not Found")
