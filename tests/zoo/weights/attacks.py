"""Attacks and faults, each played as it happens; what zoo tells of them is a table of the docs.

    python tests/zoo/weights/attacks.py

plays all of them on a server of 127.0.0.1, in processes that are killed and on disks that are full
or read-only, and writes the table into ``docs/weights.md``.
"""

from __future__ import annotations

import hashlib
import os
import pickle  # noqa: TID251  # to make what must never be read
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import tomli_w
from staging import NET, Attack, Play, Stage, Told, ended, forked, on_disk

from zoo.errors import ZooError
from zoo.registry import Plugin
from zoo.weights.cache import Cache
from zoo.weights.cards import Origin
from zoo.weights.catalogue import read_cards
from zoo.weights.reading import card_from
from zoo.weights.transfer import Patience

__all__ = ["ATTACKS", "PAGE", "marked", "row"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "weights.md"
PROCESSES = 32
_HASTE = Patience(silence=0.3, attempts=2, pause=0.01)


class Bomb:
    """What a pickle can do: write a file when it is read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


def flipped(content: bytes, place: int) -> bytes:
    """The same with one bit changed."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def _flip(place: int) -> Play:
    return lambda stage: stage.pull(flipped(stage.toys.content, place))


def _changed_in_the_cache(stage: Stage) -> str:
    stage.pull(stage.toys.content)
    (path,) = stage.cache.own.rglob("sha256/*/*")
    path.chmod(0o644)
    path.write_bytes(flipped(stage.toys.content, -1))
    return stage.pull(stage.toys.content)


def _given(**lie: int) -> Play:
    """Fewer bytes than the file has, or another number announced."""
    return lambda stage: stage.pull(lambda handler: handler.give(stage.toys.content, **lie))


def _as_the_card(content: bytes) -> Play:
    return lambda stage: stage.pull_itself(content)


def _pickled(protocol: int) -> Play:
    return lambda stage: stage.pull_itself(
        pickle.dumps(Bomb(stage.folder / "executed"), protocol=protocol)
    )


def _model(**other: str) -> Play:
    return lambda stage: stage.pull_itself(stage.toys.model(**other))


def _carded(**changes: object) -> Play:
    """A card that says so."""

    def play(stage: Stage) -> str:
        values = stage.toys.values()
        values["file"] |= changes
        return str(card_from(values, Origin("toy", "toypack:cards", "net.toml")))

    return play


def _two_plugins(stage: Stage) -> str:
    cards = stage.folder / "attack_twice" / "cards"
    cards.mkdir(parents=True)
    (cards.parent / "__init__.py").touch()
    (cards / "net.toml").write_text(tomli_w.dumps(stage.toys.values()))
    (cards / "wrong.toml").write_text("kind = 3\n")
    (cards / "other.toml").write_text(tomli_w.dumps(stage.toys.values() | {"id": "toy/other"}))
    sys.path.insert(0, str(stage.folder))
    try:
        plugins = [
            Plugin(name=name, value=name, cards=["attack_twice:cards"]) for name in ("one", "two")
        ]
        alone = read_cards(plugins[:1])
        both = read_cards(plugins)
    finally:
        sys.path.remove(str(stage.folder))
        sys.modules.pop("attack_twice", None)
    assert [card.ref for card in alone.weights] == ["toy/net@v1", "toy/other@v1"]
    assert not both.weights
    return f"{alone.bad[0].where}: {alone.bad[0].message}; {both.bad[-1].message}"


def _redirected(to: str) -> Play:
    return lambda stage: stage.pull(lambda handler: handler.redirect(to))


def _to_another_host(stage: Stage) -> str:
    os.environ["ZOO_TOKEN_127_0_0_1"] = "secret"
    try:
        stage.other.answers[NET] = stage.toys.content
        told = stage.pull(lambda handler: handler.redirect(stage.other.url(NET)))
    finally:
        del os.environ["ZOO_TOKEN_127_0_0_1"]
    (_, asked), (_, further) = (*stage.server.asked, *stage.other.asked)
    assert (asked.get("Authorization"), further.get("Authorization")) == ("Bearer secret", None)
    return f"{told}, without the token of the first"


def _silent(stage: Stage) -> str:
    return stage.pull(lambda _: stage.server.freed.wait(20), limits=_HASTE)


def _dripping(stage: Stage) -> str:
    def drip(handler: Any) -> None:
        handler.give(stage.toys.content, upto=0)
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    return stage.pull(drip, limits=_HASTE)


def _dropping(stage: Stage) -> str:
    begins = iter((700, 1500, 2500, None))
    told = stage.pull(lambda handler: handler.give(stage.toys.content, upto=next(begins)))
    assert stage.server.ranges() == ["", "bytes=700-", "bytes=1500-", "bytes=2500-"]
    return f"{told}, in {len(stage.server.asked)} parts"


def _another_part(stage: Stage) -> str:
    def shifted(handler: Any) -> None:
        first = len(stage.server.asked) == 1
        if not first:
            del handler.headers["Range"]
            handler.headers["Range"] = "bytes=900-"
        handler.give(stage.toys.content, upto=700 if first else None)

    return stage.pull(shifted)


def _endless(stage: Stage) -> str:
    sent = []

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()  # no length: until the connection ends
        while True:
            sent.append(handler.wfile.write(b"x" * 65536))

    try:
        return stage.pull(endless)
    finally:
        assert sum(sent) < 100 * 2**20


def _status(status: int) -> Play:
    return lambda stage: stage.pull(lambda handler: handler.send_error(status))


def _busy(stage: Stage) -> str:
    def busy(handler: Any) -> None:
        if len(stage.server.asked) > 1:
            handler.give(stage.toys.content)
            return
        handler.send_response(429)
        handler.send_header("Retry-After", "0")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    told = stage.pull(busy)
    return f"{told}, asked again"


def _next_mirror(stage: Stage) -> str:
    stage.other.answers[NET] = stage.toys.content
    stage.server.answers[NET] = lambda handler: handler.send_error(404)
    stage.toys.obtain(stage.cache, stage.url, stage.other.url(NET))
    return "; ".join(stage.toys.told)


def _crowd(stage: Stage) -> str:
    def slowly(handler: Any) -> None:
        time.sleep(0.2)  # so that all of them ask before the first is done
        handler.give(stage.toys.content)

    stage.server.answers[NET] = slowly
    children = [forked(lambda: stage.pull(slowly)) for _ in range(PROCESSES)]
    assert [ended(child) for child in children] == [0] * PROCESSES
    assert len(stage.kept()) == 1
    return f"served to {PROCESSES}, asked for {len(stage.server.asked)} time"


def _killed(stage: Stage) -> str:
    def half(handler: Any) -> None:
        if len(stage.server.asked) > 1:
            handler.give(stage.toys.content)
            return
        handler.give(stage.toys.content, upto=2000)
        stage.server.freed.wait(20)

    stage.server.answers[NET] = half
    child = forked(lambda: stage.toys.obtain(stage.cache, stage.url))
    part = stage.cache.partial(stage.toys.wanted().digest)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size == 2000):
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    assert not stage.kept()
    told = stage.pull(half)
    _, again = stage.server.ranges()
    return f"{told} by the same command, which asks for {again}"


def _torn(stage: Stage) -> str:
    part = stage.cache.partial(stage.toys.wanted().digest)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"\0" * 3000)
    told = stage.pull(stage.toys.content)
    assert stage.server.ranges() == ["bytes=3000-", ""]
    return f"{told}, from its beginning"


def _disk(options: str, before: str = "", shared: bool = False) -> Play:
    """Pull into a cache on a disk of its own."""

    def play(stage: Stage) -> str:
        stage.server.answers[NET] = stage.toys.content
        disk, card = stage.folder / "disk", stage.toys.values(stage.url)
        digest = hashlib.sha256(stage.toys.content).hexdigest()
        held = {"pull": "cache", "card": card, "shared": [str(disk / "shared")] if shared else []}
        first = [{"pull": "shared", "card": card}] if shared else []
        *_, pulled, left = on_disk(
            stage.folder,
            {"sh": f"mount -t tmpfs -o {options} tmpfs $DISK"},
            *first,
            {"sh": before or "true"},
            held,
            {"sh": "find $DISK/cache -type f -not -path '*/locks/*' 2>/dev/null; true"},
        )
        assert left["said"] == ""
        if pulled["exit_code"]:
            raise ZooError.from_dict(pulled)
        assert pulled["path"] == f"{disk}/shared/sha256/{digest[:2]}/{digest}"
        return f"served from the {pulled['where']} cache, which is not written to"

    return play


def _offline(stage: Stage) -> str:
    offline = Cache(stage.cache.own, (), offline=True)
    try:
        return str(stage.toys.obtain(offline, stage.url))
    finally:
        assert not stage.server.asked


def _damaged_shared(stage: Stage) -> str:
    shared = Cache(stage.folder / "cvmfs")
    place = shared.place(stage.toys.wanted().digest)
    place.parent.mkdir(parents=True)
    place.write_bytes(stage.toys.content[:-1])
    stage.server.answers[NET] = stage.toys.content
    stage.toys.obtain(Cache(stage.cache.own, (shared.own,)), stage.url)
    assert place.read_bytes() == stage.toys.content[:-1]  # it is not ours
    return "; ".join(stage.toys.told)


def _pipe(stage: Stage) -> str:
    os.mkfifo(stage.folder / "pipe")
    return str(stage.toys.obtain(stage.cache, (stage.folder / "pipe").as_uri()))


_PICKLES = [Attack(f"a pickle in disguise, protocol {n}", _pickled(n)) for n in range(6)]
_MOUNTED = [
    Attack("a full disk (real mount)", _disk("size=4k"), mounts=True),
    Attack(
        "a cache on a read-only disk (real mount)",
        _disk("size=1m", "mount -o remount,ro $DISK"),
        mounts=True,
    ),
    Attack(
        "the same, and a shared cache has the file",
        _disk("size=1m", "mount -o remount,ro $DISK", shared=True),
        mounts=True,
    ),
]
ATTACKS = [
    Attack("a flipped bit in the header", _flip(9)),
    Attack("a flipped bit in the parameters", _flip(400)),
    Attack("a flipped bit at the end", _flip(-5)),
    Attack("a flipped bit in the cache", _changed_in_the_cache),
    Attack("a file that is too short", lambda stage: stage.pull(stage.toys.content[:3000])),
    Attack("a file that is too long", lambda stage: stage.pull(stage.toys.content + b"more")),
    Attack("a header of 2^40 bytes", _as_the_card((2**40).to_bytes(8, "little") + b"{" * 100)),
    Attack("no header", _as_the_card(b"\xff" * 500)),
    Attack(
        "a header of 10^6 nested lists",
        _as_the_card((10**6).to_bytes(8, "little") + b"[" * 10**6),
    ),
    Attack("a file of safetensors that zoo did not write", _as_the_card(b"\2" + b"\0" * 7 + b"{}")),
    *_PICKLES,
    Attack(
        "an archive of torch in disguise",
        _as_the_card(b"PK\x03\x04" + b"archive/data.pkl" * 20),
    ),
    Attack("a file of another task or model", _model(id_="toy/other")),
    Attack(
        "a file of another version",
        lambda stage: stage.pull(stage.toys.model(config="d0" * 32)),
    ),
    Attack("the same, under the card's sha256", _model(config="d0" * 32)),
    Attack("`../` in the name of a file", _carded(name="../../x")),
    Attack("an absolute path in a mirror", _carded(mirrors=["/etc/passwd"])),
    Attack("`%2e%2e` in a mirror", _carded(mirrors=["https://a.org/%2e%2e/x"])),
    Attack("a backslash in a mirror", _carded(mirrors=["https://a.org/a\\b"])),
    Attack("NUL in a mirror", _carded(mirrors=["file:///a\0b"])),
    Attack("a redirect to another host", _to_another_host),
    Attack("a redirect to a file", _redirected("file:///etc/passwd")),
    Attack("a redirect to ftp:", _redirected("ftp://127.0.0.1/net")),
    Attack("a redirect with a password", _redirected("http://user:word@127.0.0.1/net")),
    Attack("redirects in a circle", _redirected(NET)),
    Attack("a server that is silent (0.3 s for the test)", _silent),
    Attack("a server that sends a byte now and then", _dripping),
    Attack("a server that drops three times", _dropping),
    Attack("a server that announces too little", _given(announced=100)),
    Attack("a server that announces more than it sends", _given(upto=3000)),
    Attack("a server that goes on with another part", _another_part),
    Attack("a server that sends without end", _endless),
    Attack("a server that answers 404", _status(404)),
    Attack("a server that answers 500", _status(500)),
    Attack("a server that answers 429 with Retry-After", _busy),
    Attack("the first mirror answers 404, the second has it", _next_mirror),
    Attack("no network allowed (`ZOO_OFFLINE=1`)", _offline),
    Attack(f"{PROCESSES} processes pull at once", _crowd),
    Attack("killed (SIGKILL) in the middle", _killed),
    Attack("a part that a crash has left torn", _torn),
    *_MOUNTED,
    Attack("a damaged file in a shared cache", _damaged_shared),
    Attack("a pipe as a mirror", _pipe),
    Attack("a wrong card, and two plugins that claim one version", _two_plugins),
]
"""In the order of the table."""


def row(attack: Attack, told: Told) -> str:
    """One row of the table."""
    cells = (attack.what, str(told.code), told.text.replace("|", "/").replace("\0", "\\0"))
    return f"| {' | '.join(cells)} |"


def marked(page: str) -> str:
    """What stands between the marks of the table."""
    found = re.search(r"^% attacks\n(.*?)^% end of attacks$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].strip()


def table(rows: Iterable[str]) -> str:
    """The whole."""
    return "\n".join(
        ["| what happens | exit code | what zoo tells |", "| --- | --- | --- |", *rows]
    )


def played(attack: Attack) -> Told:
    """Play an attack without pytest."""
    from conftest import Loopback, Toys

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [stack.enter_context(Loopback()) for _ in range(2)]
        for server in servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(server.shutdown)
            stack.callback(server.freed.set)
        return attack.told(Stage(Toys(folder), Cache(folder / "cache"), *servers, folder))


def main() -> None:
    """Write the table into the page."""
    rows = [row(attack, played(attack)) for attack in ATTACKS]
    page = PAGE.read_text(encoding="utf-8")
    new = page.replace(marked(page), table(rows)) if marked(page) else page
    if new == page:
        new = page.replace("% attacks\n", f"% attacks\n\n{table(rows)}\n", 1)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
