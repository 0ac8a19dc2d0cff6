"""Where packages come from on this machine, and where a file of a package lies there.

No address stands in this file: they are the person's settings or pip's own default.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import url2pathname

from athena.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx2

_INDEX_VARIABLES = ("ATHENA_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX")
_EXTRA_VARIABLES = ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
_SIMPLE = "application/vnd.pypi.simple.v1"
_ACCEPT = f"{_SIMPLE}+json, {_SIMPLE}+html;q=0.2, text/html;q=0.1"
_PIP_TIMEOUT_S = 30.0


def index_urls(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield the package indexes to try, in order, each once.

    The first of ATHENA_INDEX_URL, PIP_INDEX_URL, UV_DEFAULT_INDEX, pip's configuration and pip's
    built-in default; then the extra indexes of environment and configuration. pip is only asked
    when the search gets that far.
    """
    main = next((environment[name] for name in _INDEX_VARIABLES if environment.get(name)), "")
    seen = set()
    for url in _candidates(main, environment):
        normal = url.rstrip("/")
        if normal and normal not in seen:
            seen.add(normal)
            yield normal


def find_file(client: httpx2.Client, index: str, project: str, filename: str) -> str:
    """Find the address of a file on an index's page of a project (PEP 503 or 691).

    Raises:
        MissingError: the page or the file is not there, or the index does not answer.
    """
    page = f"{index}/{re.sub(r'[-_.]+', '-', project).lower()}/"
    for link in _links(client, page):
        address = urldefrag(link).url
        if unquote(urlsplit(address).path).rpartition("/")[2] == filename:
            return _with_login(address, index)
    message = f"expected {filename} on {hide_login(page)}, was not listed"
    raise MissingError(message)


def hide_login(url: str) -> str:
    """Return an address without the user and password that it may carry."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def local_path(url: str) -> str | None:
    """Return the path that a file:// address names, or None for another scheme."""
    parts = urlsplit(url)
    return url2pathname(parts.path) if parts.scheme == "file" else None


def _candidates(main: str, environment: Mapping[str, str]) -> Iterator[str]:
    configured = {} if main else _pip_configuration()
    yield main or configured.get("index-url", "") or _pip_default()
    for name in _EXTRA_VARIABLES:
        # uv separates by blanks and may name an index: NAME=URL.
        for entry in environment.get(name, "").split():
            yield re.sub(r"^[A-Za-z0-9_-]+=", "", entry)
    yield from (configured or _pip_configuration()).get("extra-index-url", "").split()


def _pip_configuration() -> dict[str, str]:
    """Return pip's settings of the files it reads, without the section's name."""
    found: dict[str, str] = {}
    for line in _ask_pip("config", "list").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            text = value.strip("'\"").replace("\\n", " ")
            found[key.rpartition(".")[2]] = text
    return found


def _pip_default() -> str:
    """Return the index that pip uses when nobody says otherwise, as its help states it."""
    text = " ".join(_ask_pip("download", "--help").split())
    match = re.search(r"--index-url <url>.*?\(default (\S+?)\)", text)
    return match[1] if match else ""


def _ask_pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    try:
        answer = subprocess.run(  # noqa: S603 (our own interpreter, fixed arguments)
            command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # An environment without pip answers with an error: then it has nothing to say.
    return answer.stdout if answer.returncode == 0 else ""


def _links(client: httpx2.Client, page: str) -> list[str]:
    """Return the addresses that a page links to."""
    path = local_path(page)
    if path is not None:
        return [urljoin(page, link) for link in _local_links(path, page)]
    import httpx2

    try:
        answer = client.get(page, headers={"Accept": _ACCEPT})
        answer.raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        message = f"expected the page {hide_login(page)}, was: {_reason(error)}"
        raise MissingError(message) from error
    is_json = "json" in answer.headers.get("content-type", "")
    links = _json_links(answer.text, page) if is_json else _html_links(answer.text)
    # The page may have moved: its links are relative to where it was found.
    return [urljoin(str(answer.url), link) for link in links]


def _reason(error: Exception) -> str:
    """Describe an error without the address in it, which may carry a password."""
    import httpx2

    if isinstance(error, httpx2.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__


def _local_links(path: str, page: str) -> list[str]:
    folder = Path(path)
    listing = folder / "index.html"
    try:
        if listing.is_file():
            return _html_links(listing.read_text(encoding="utf-8"))
        return sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        message = f"expected the page {page}, was: {error.strerror}"
        raise MissingError(message) from error


def _json_links(text: str, page: str) -> list[str]:
    try:
        return [str(file["url"]) for file in json.loads(text)["files"]]
    except (ValueError, KeyError, TypeError) as error:
        message = f"expected a list of files (PEP 691) on {hide_login(page)}, was not readable"
        raise MissingError(message) from error


def _html_links(text: str) -> list[str]:
    parser = _Anchors()
    parser.feed(text)
    return parser.links


class _Anchors(HTMLParser):
    """Collect the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def _with_login(address: str, index: str) -> str:
    """Carry the index's user and password over to a file on the same host."""
    parts, home = urlsplit(address), urlsplit(index)
    if "@" in home.netloc and parts.netloc == home.netloc.rpartition("@")[2]:
        return urlunsplit(parts._replace(netloc=home.netloc))
    return address
