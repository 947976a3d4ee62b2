"""Many processes, kills, full and read-only disks: nothing half-written is ever seen."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from staging import ended, forked, may_mount, on_disk

from zoo.errors import UsageError, WeightsError
from zoo.weights import cache as module
from zoo.weights.cache import Cache, this_cache
from zoo.weights.names import Digest
from zoo.weights.resolving import resolve

PATH = "/net.safetensors"


def test_killed_at_any_instant(toys: Any, cache: Cache, server: Any) -> None:
    """Whatever the instant: the place is empty or holds the whole file, and the next one ends."""

    def slowly(handler: Any) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        handler.give(toys.content, upto=start)
        for begin in range(start, len(toys.content), 400):
            handler.wfile.write(toys.content[begin : begin + 400])
            time.sleep(0.004)

    server.answers[PATH] = slowly
    place = cache.place(toys.wanted().digest)
    chance = random.Random(1)
    ends = set()
    for _ in range(25):
        child = forked(lambda: int(toys.obtain(cache, server.url(PATH)) is None))
        time.sleep(chance.uniform(0.0, 0.12))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        ends.add(ended(child))
        if place.exists():
            assert place.read_bytes() == toys.content
            place.unlink()
    assert toys.obtain(cache, server.url(PATH)).read_bytes() == toys.content
    assert -signal.SIGKILL in ends
    assert 99 not in ends
    assert len(toys.left_in(cache.own)) == 1


def test_a_torn_part_is_fetched_again(toys: Any, cache: Cache, server: Any) -> None:
    """What a crash of the machine leaves may be anything."""
    server.answers[PATH] = toys.content
    part = cache.partial(toys.wanted().digest)
    part.parent.mkdir(parents=True)
    for torn in (b"\0" * 3000, b"\0" * len(toys.content), b"\0" * 9000):
        part.write_bytes(torn)
        place = toys.obtain(cache, server.url(PATH))
        assert place.read_bytes() == toys.content
        place.unlink()


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Steps in a process that may mount."""
    if reason := may_mount():
        pytest.skip(f"real mounts are not permitted here: {reason}")
    return lambda *steps: on_disk(tmp_path, *steps)


LIST = "find $DISK -type f -not -path '*/locks/*' -printf '%P %s\\n' | sort"


def test_full_and_read_only_disks(
    toys: Any, server: Any, on_small_disk: Any, tmp_path: Path
) -> None:
    """A full disk: told before and during the transfer, and gone on with when there is room."""
    server.answers[PATH] = toys.content
    digest = hashlib.sha256(toys.content).hexdigest()
    place = f"sha256/{digest[:2]}/{digest}"
    card = toys.values(server.url(PATH))

    def crowded(handler: Any) -> None:
        """Another program fills the disk while the file comes."""
        handler.give(toys.content, upto=0)
        (tmp_path / "now").touch()
        time.sleep(0.3)
        handler.wfile.write(toys.content)

    server.answers["/crowded"] = crowded
    crowd = f"while [ ! -e {tmp_path}/now ]; do sleep 0.01; done; head -c 100k /dev/zero >$DISK/c"
    shared = str(tmp_path / "disk" / "first")
    done = on_small_disk(
        {"sh": "mount -t tmpfs -o size=4k tmpfs $DISK"},
        {"pull": "first", "card": card},
        {"sh": LIST},
        {"sh": f"mount -o remount,size=40k $DISK; ({crowd} 2>/dev/null; true) >/dev/null 2>&1 &"},
        {"pull": "first", "card": toys.values(server.url("/crowded"))},
        {"sh": LIST},
        {"sh": "rm $DISK/c; mount -o remount,size=1m $DISK"},
        {"pull": "first", "card": card},
        {"sh": LIST},
        {"sh": "mount -o remount,ro $DISK"},
        {"pull": "first", "card": card},
        {"pull": "other", "card": card, "shared": [shared]},
        {"pull": "other", "card": card},
        {"sh": LIST},
    )
    full, before, crowded_out, between, again, after = (done[n] for n in (1, 2, 4, 5, 7, 8))
    assert (full["exit_code"], before["said"]) == (2, "")
    assert "No space left on device" in full["message"]
    assert "ZOO_CACHE" in full["remedy"]
    assert crowded_out["exit_code"] == 2
    assert "No space left on device" in crowded_out["message"]
    assert place not in between["said"]
    assert again == {"where": "cached", "path": f"{shared}/{place}", "exit_code": 0}
    assert after["said"] == f"first/{place} {len(toys.content)}\n"
    own, shared_one, refused, last = done[10:]
    assert own == again
    assert shared_one == again | {"where": "shared"}
    assert refused["exit_code"] == 2
    assert "Read-only file system" in refused["message"]
    assert last == after


def put(cache: Path, content: bytes) -> Path:
    digest = hashlib.sha256(content).hexdigest()
    path = cache / "sha256" / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_shared_cache_is_used_and_not_written(toys: Any, cache: Cache, tmp_path: Path) -> None:
    shared = tmp_path / "cvmfs"
    path = put(shared, toys.content)
    both = Cache(cache.own, (tmp_path / "absent", shared), offline=True)
    assert toys.obtain(both) == path
    assert not cache.own.exists()


def test_a_damaged_shared_cache_is_left_aside(
    toys: Any, cache: Cache, server: Any, tmp_path: Path
) -> None:
    path = put(tmp_path / "cvmfs", toys.content)
    path.write_bytes(toys.content[:-1])
    server.answers[PATH] = toys.content
    both = Cache(cache.own, (tmp_path / "cvmfs",))
    assert toys.obtain(both, server.url(PATH)) == cache.place(toys.wanted().digest)
    assert "damaged and not used" in toys.told[0]
    assert path.exists()  # it is not ours


def test_offline(toys: Any, cache: Cache, server: Any, tmp_path: Path) -> None:
    server.answers[PATH] = toys.content
    offline = Cache(cache.own, (), offline=True)
    with pytest.raises(WeightsError) as caught:
        toys.obtain(offline, server.url(PATH))
    assert "ZOO_OFFLINE" in caught.value.remedy
    assert server.asked == []
    (tmp_path / "net.safetensors").write_bytes(toys.content)
    file = (tmp_path / "net.safetensors").as_uri()
    assert toys.obtain(offline, server.url(PATH), file).read_bytes() == toys.content


def test_a_file_mirror_that_is_none(toys: Any, cache: Cache, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(toys.content + b"more")
    mirrors = [(tmp_path / name).as_uri() for name in ("pipe", "long", "absent")]
    with pytest.raises(WeightsError) as caught:
        toys.obtain(cache, *mirrors, "file:///proc/self/mem")  # a disk that fails
    assert "it cannot be read (Input/output error)" in caught.value.message
    assert caught.value.message.count("there is no such file") == 2
    assert f"{len(toys.content) + 1} bytes instead of" in caught.value.message
    assert toys.left_in(cache.own) == []


def test_a_large_file_is_hashed_when_it_has_changed(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, size = tmp_path / "large", 1000
    path.write_bytes(b"\0" * size)
    digest = Digest("sha256", hashlib.sha256(b"\0" * size).hexdigest())
    hashed: list[Path] = []
    whole = module.hash_file
    monkeypatch.setattr(module, "ALWAYS", size - 1)
    monkeypatch.setattr(module, "hash_file", lambda p, a: hashed.append(p) or whole(p, a))
    assert cache.fault(path, digest, size) == ""
    assert cache.fault(path, digest, size) == ""
    assert len(hashed) == 1
    with path.open("r+b") as stream:
        stream.write(b"x")
    os.utime(path, ns=(1, 1))  # the time of change cannot be hidden
    assert "sha256" in cache.fault(path, digest, size)
    assert "sha256" in cache.fault(path, digest, size)  # and it is not forgotten
    with path.open("r+b") as stream:
        stream.write(b"\0")
    assert cache.fault(path, digest, size) == ""
    assert cache.fault(path, digest, size, always=True) == ""
    assert len(hashed) == 5


def test_settings_of_the_environment(tmp_path: Path) -> None:
    home = {"HOME": "/home/me"}
    assert this_cache({"XDG_CACHE_HOME": "/x"}).own == Path("/x/zoo")
    assert this_cache(home | {"ZOO_CACHE": str(tmp_path)}).own == tmp_path
    both = this_cache({"ZOO_CACHE": "/c", "ZOO_CACHE_RO": "/a:/b", "ZOO_OFFLINE": "1"})
    assert (both.shared, both.offline) == ((Path("/a"), Path("/b")), True)
    assert not this_cache({"ZOO_CACHE": "/c", "ZOO_OFFLINE": "0"}).offline
    with pytest.raises(UsageError, match="whole path"):
        this_cache({"ZOO_CACHE": "/c", "ZOO_CACHE_RO": "a"})


def test_a_timeout_that_is_none(toys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ZOO_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="no number of seconds"):
        resolve(toys.card())
    monkeypatch.setenv("ZOO_TIMEOUT", "0.5")
    with pytest.raises(WeightsError, match="its card names no mirror"):
        resolve(toys.card())
