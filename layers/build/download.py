"""Download official files from their publishers: resumed where the line broke, checked, and put in place whole.

``data/sources.toml`` lists the files. Two kinds of address are known: a plain file, and a table of the Open Geography
portal's feature service, which answers page by page. A file appears under its own name only when all of it has arrived
and its checksum, where one is pinned, is right; what has arrived so far waits beside it as ``.part``.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import requests

from layers.model import Fault, Refused

CHUNK = 1 << 18  # bytes
PAGE_ROWS = 1_000  # the feature services answer at most 1,000 or 2,000 rows at a time
TIMEOUT_S = (15, 60)  # to connect, and between two pieces
WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
NO_NETWORK = (
    "This machine cannot reach {host}: fetch the official files on one that can (docs/region-pack.md lists them) "
    "and give their folder with --source DIR."
)

Progress = Callable[[str, int, int | None], None]
"""Called with the file's path, how much has arrived, and how much there is (None: unknown); bytes, or rows of a table."""


@dataclass(frozen=True)
class OfficialSource:
    """One official file of ``data/sources.toml``. Without ``url`` it has to be fetched by hand from ``page``."""

    path: str  # below the folder of official files
    title: str
    publisher: str
    licence: str
    page: str
    url: str = ""
    kind: str = "file"  # file | features (a layer of an ArcGIS feature service; url ends in /FeatureServer/0)
    fields: tuple[str, ...] = ()  # of a feature service
    geometry: bool = False
    sha256: str = ""  # of the file as the publisher sends it; "" where it cannot be pinned
    keep_as: str = ""  # "parquet": a CSV that is kept as Parquet under ``path``
    needed_for: str = "layers"  # areas | layers
    checked: bool = False  # whether a person has seen this address work


@dataclass(frozen=True)
class FetchReport:
    """Paths of the files that arrived, that were there already, and that a person must fetch."""

    fetched: tuple[str, ...]
    present: tuple[str, ...]
    by_hand: tuple[OfficialSource, ...]


class _FailedError(Exception):
    """One file could not be had. ``unreachable`` when the host did not answer at all."""

    def __init__(self, what: str, todo: str = "try again later", unreachable: bool = False):
        self.what, self.todo, self.unreachable = what, todo, unreachable
        super().__init__(what)


class _TryAgainError(Exception):
    """The line broke or the server is busy; ``wait_s`` is what the server asked for."""

    def __init__(self, what: str, wait_s: float = 0.0, unreachable: bool = False):
        self.what, self.wait_s, self.unreachable = what, wait_s, unreachable
        super().__init__(what)


def read_manifest(path: str | Path) -> tuple[OfficialSource, ...]:
    """The files of a manifest. Raises :class:`Refused` for unknown keys, unsafe paths and addresses that are not https."""
    path, faults = Path(path), []
    title = f"The list of official files {path.name} cannot be used."
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("file", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(title, [Fault(str(error), path.name, "mend the file")]) from None
    known, sources = OfficialSource.__dataclass_fields__, []
    for number, row in enumerate(rows, 1):
        where = f"{path.name}, file {number} '{row.get('path', '?')}'"
        unknown = [key for key in row if key not in known]
        lacking = [key for key in ("path", "title", "publisher", "licence", "page") if not row.get(key)]
        if unknown or lacking:
            what = "; ".join(
                part
                for part in (
                    f"unknown keys {', '.join(unknown)}" if unknown else "",
                    f"lacks {', '.join(lacking)}" if lacking else "",
                )
                if part
            )
            faults.append(Fault(what, where, f"the keys are {', '.join(known)}", rule="keys"))
            continue
        source = OfficialSource(**{**row, "fields": tuple(row.get("fields", ()))})
        parts = PurePosixPath(source.path)
        if parts.is_absolute() or ".." in parts.parts or "\\" in source.path:
            faults.append(Fault("the path leaves the folder", where, "give a path below the folder", rule="path"))
        if source.url and urlsplit(source.url).scheme != "https":
            faults.append(Fault(f"{source.url} is not an https address", where, "use https", rule="url"))
        if source.kind not in ("file", "features"):
            faults.append(Fault(f"the kind '{source.kind}' is not known", where, "use file or features", rule="kind"))
        sources.append(source)
    if faults:
        raise Refused(title, faults)
    return tuple(sources)


def fetch(
    manifest: str | Path,
    folder: str | Path,
    *,
    base_urls: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    attempts: int = 4,
    pause_s: float = 1.0,
) -> FetchReport:
    """Download the files of ``manifest`` that are not in ``folder`` yet.

    ``base_urls`` replaces beginnings of addresses, for a mirror: ``{"https://www.gov.uk": "https://mirror.example"}``.
    ``progress`` is called as pieces arrive; by default a bar is drawn on standard error. Each file gets ``attempts``
    tries, waiting ``pause_s``, then twice that, and so on. Files are independent: one that fails does not stop the next.

    Raises :class:`Refused` with every file that could not be had; what did arrive stays, so a second call goes on from
    there. A host that cannot be reached at all ends it at once, in one sentence.
    """
    folder, sources = Path(folder), read_manifest(manifest)
    show = progress or bar_on_stderr()
    fetched, present, faults = [], [], []
    with requests.Session() as session:
        # Plain bytes: a compressed answer has other lengths than the file, and could not be resumed.
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "commonground"})
        for source in sources:
            if not source.url:
                continue
            target = folder / source.path
            if target.is_file():
                present.append(source.path)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            job = _Job(source, _mirrored(source.url, base_urls or {}), target, session, show)
            try:
                _with_retries(job, attempts, pause_s)
            except _FailedError as failure:
                if failure.unreachable:
                    host = urlsplit(job.url).hostname
                    todo = "the files that arrived are kept"
                    raise Refused(NO_NETWORK.format(host=host), [Fault(failure.what, source.path, todo)]) from None
                faults.append(Fault(failure.what, source.path, failure.todo, value=source.url, rule="download"))
                continue
            fetched.append(source.path)
    if faults:
        raise Refused(f"{len(faults)} of {len(sources)} official files could not be downloaded.", faults)
    by_hand = tuple(s for s in sources if not s.url and not (folder / s.path).is_file())
    return FetchReport(tuple(fetched), tuple(present), by_hand)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bar_on_stderr(width: int = 30) -> Progress:
    """A progress bar on standard error, redrawn at most ten times a second; silent where nobody watches it."""
    stream, last = sys.stderr, {"path": "", "time": 0.0}

    def show(path: str, done: int, total: int | None) -> None:
        if not stream.isatty():
            return
        now, finished = time.monotonic(), total is not None and done >= total
        if path == last["path"] and not finished and now - last["time"] < 0.1:
            return
        last.update(path=path, time=now)
        share = min(done / total, 1.0) if total else 0.0
        drawn = "#" * round(share * width)
        amount = f"{share:4.0%}" if total else f"{done:,}"
        stream.write(f"\r{Path(path).name[:40]:<40} [{drawn:<{width}}] {amount}" + ("\n" if finished else ""))
        stream.flush()

    return show


# One file


@dataclass(frozen=True)
class _Job:
    source: OfficialSource
    url: str
    target: Path
    session: requests.Session
    show: Progress

    @property
    def part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def notes(self) -> Path:
        """What is known about the part: the address and the validator that says whether the file is still the same."""
        return self.target.with_name(f".{self.target.name}.part.json")


def _with_retries(job: _Job, attempts: int, pause_s: float) -> None:
    step = _fetch_features if job.source.kind == "features" else _fetch_file
    problem = _TryAgainError("was not tried")
    for attempt in range(attempts):
        if attempt:
            time.sleep(max(problem.wait_s, pause_s * 2 ** (attempt - 1)))
        try:
            step(job)
            return
        except _TryAgainError as again:
            problem = again
        except requests.ConnectionError as error:
            unreachable = not _anything_arrived(job)
            problem = _TryAgainError(f"the connection broke: {_reason(error)}", unreachable=unreachable)
        except requests.Timeout:
            problem = _TryAgainError(f"no answer within {TIMEOUT_S[1]} s", unreachable=not _anything_arrived(job))
        except requests.RequestException as error:
            problem = _TryAgainError(f"the download broke: {_reason(error)}")
    todo = f"try again later, or fetch it by hand from {job.source.page}"
    raise _FailedError(f"{problem.what}, {attempts} times", todo, problem.unreachable)


def _anything_arrived(job: _Job) -> bool:
    return job.part.exists() or job.notes.exists()


def _fetch_file(job: _Job) -> None:
    """Fetch a plain file, from where it stopped if the server says that it is still the same one."""
    notes = _read_notes(job)
    have = job.part.stat().st_size if job.part.exists() else 0
    validator = notes.get("validator", "")
    headers = {}
    if have and validator and notes.get("url") == job.url:
        headers = {"Range": f"bytes={have}-", "If-Range": validator}
    with job.session.get(job.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == 416:  # the part is longer than the file is now
            _forget(job)
            raise _TryAgainError("the file on the server became shorter")
        _check_answer(answer, job)
        resumed = answer.status_code == 206
        if resumed and _starts_at(answer) != have:
            _forget(job)
            raise _TryAgainError("the server continued at another place")
        if not resumed:
            have = 0  # the server sends all of it: it is another file now, or it cannot resume
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        job.notes.write_text(json.dumps({"url": job.url, "validator": _validator(answer)}), "utf-8")
        with job.part.open("ab" if resumed else "wb") as part:
            for piece in answer.iter_content(CHUNK):
                part.write(piece)
                have += len(piece)
                job.show(job.source.path, have, total)
    if total is not None and have != total:
        raise _TryAgainError(f"only {have:,} of {total:,} bytes arrived")
    _check_sum(job, resumed)
    _keep(job, job.part)
    job.notes.unlink(missing_ok=True)


def _check_sum(job: _Job, resumed: bool) -> None:
    wanted = job.source.sha256.lower()
    if not wanted or (found := sha256_of(job.part)) == wanted:
        return
    _forget(job)
    if resumed:  # two halves of two different files: once more from the start
        raise _TryAgainError("the parts do not belong together")
    what = f"the checksum is {found}, not {wanted}"
    raise _FailedError(
        what, f"the publisher changed the file: compare with {job.source.page} before pinning the new one"
    )


def _fetch_features(job: _Job) -> None:
    """Fetch all rows of a feature service page by page; pages that arrived are kept for another try."""
    pages = job.part
    rows_there = int(_ask(job, {"where": "1=1", "returnCountOnly": "true", "f": "json"}).get("count", -1))
    if rows_there < 0:
        raise _FailedError("the service does not say how many rows it has", f"fetch it by hand from {job.source.page}")
    notes = {"url": job.url, "rows": rows_there, "fields": list(job.source.fields)}
    if _read_notes(job) != notes:
        _forget(job)
    pages.mkdir(exist_ok=True)
    job.notes.write_text(json.dumps(notes), "utf-8")
    have = 0
    while have < rows_there:
        page = pages / f"{have:08d}.json"
        rows = json.loads(page.read_text("utf-8")) if page.exists() else _fetch_page(job, have)
        if not rows:
            raise _TryAgainError(f"only {have:,} of {rows_there:,} rows arrived")
        if not page.exists():
            _write_whole(page, json.dumps(rows))
        have += len(rows)
        job.show(job.source.path, have, rows_there)
    rows = [row for page in sorted(pages.glob("*.json")) for row in json.loads(page.read_text("utf-8"))]
    if len(rows) != rows_there:
        _forget(job)
        raise _TryAgainError(f"{len(rows):,} rows arrived instead of {rows_there:,}: the table changed meanwhile")
    whole = job.target.with_name(f".{job.target.name}.whole")
    _write_rows(job, rows, whole)
    _keep(job, whole)
    _forget(job)


def _fetch_page(job: _Job, start: int) -> list[dict]:
    fields = job.source.fields
    query = {
        "where": "1=1",
        "outFields": ",".join(fields) or "*",
        "orderByFields": fields[0] if fields else "",
        "resultOffset": start,
        "resultRecordCount": PAGE_ROWS,
        "returnGeometry": "true" if job.source.geometry else "false",
        "f": "geojson" if job.source.geometry else "json",
    }
    if job.source.geometry:
        query |= {"outSR": 4326, "geometryPrecision": 7}
    return _ask(job, query).get("features", [])


def _ask(job: _Job, query: dict) -> dict[str, Any]:
    answer = job.session.get(f"{job.url.rstrip('/')}/query", params=query, timeout=TIMEOUT_S)
    _check_answer(answer, job)
    try:
        found = answer.json()
    except ValueError:
        raise _TryAgainError("the service did not answer with JSON") from None
    if "error" in found:  # the service reports its own errors with status 200
        message = found["error"].get("message", "") or "an error without a message"
        code = int(found["error"].get("code") or 0)
        if code in WORTH_ANOTHER_TRY:
            raise _TryAgainError(f"the service answered {code}: {message}")
        raise _FailedError(f"the service answered {code}: {message}", f"see {job.source.page}")
    return found


def _write_rows(job: _Job, rows: list[dict], path: Path) -> None:
    if job.source.geometry:
        collection = {"type": "FeatureCollection", "features": rows}
        path.write_text(json.dumps(collection), "utf-8")
        return
    names = job.source.fields or tuple(rows[0]["attributes"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([row["attributes"].get(name, "") for name in names] for row in rows)


def _keep(job: _Job, arrived: Path) -> None:
    """Give a complete file its own name; one that is kept as Parquet is converted first."""
    if job.source.keep_as == "parquet":
        import pandas as pd

        table = job.target.with_name(f".{job.target.name}.whole")
        try:
            pd.read_csv(arrived, encoding="utf-8-sig").to_parquet(table, index=False)
        except (ValueError, UnicodeError) as error:
            _forget(job)
            what = f"is not the table that was expected: {_reason(error)}"
            raise _FailedError(what, f"see {job.source.page}") from None
        arrived.unlink()
        arrived = table
    arrived.replace(job.target)


def _check_answer(answer: requests.Response, job: _Job) -> None:
    """Raise for an answer that is not the file: errors worth another try, final ones, and web pages in its place."""
    status = answer.status_code
    if status in WORTH_ANOTHER_TRY:
        wait = answer.headers.get("Retry-After", "")
        wait_s = min(float(wait), 30.0) if wait.isdigit() else 0.0
        raise _TryAgainError(f"the server answered {status} {answer.reason}", wait_s)
    if status not in (200, 206):
        what = f"the server answered {status} {answer.reason}"
        raise _FailedError(
            what, f"the publisher may have moved it: look at {job.source.page}, then mend data/sources.toml"
        )
    if "text/html" in answer.headers.get("Content-Type", "") and not job.source.path.endswith(".html"):
        what = "the server sent a web page in place of the file"
        raise _FailedError(what, f"fetch it by hand from {job.source.page}")


def _validator(answer: requests.Response) -> str:
    """What If-Range may hold: a strong ETag, else the date of change; "" when the server gives neither."""
    etag = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _starts_at(answer: requests.Response) -> int:
    """First byte of a partial answer, from ``Content-Range: bytes 100-199/200``; -1 when it does not say."""
    start = answer.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    return int(start) if start.isdigit() else -1


def _read_notes(job: _Job) -> dict:
    try:
        return json.loads(job.notes.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _forget(job: _Job) -> None:
    """Throw away what has arrived of a file."""
    if job.part.is_dir():
        shutil.rmtree(job.part)
    else:
        job.part.unlink(missing_ok=True)
    job.notes.unlink(missing_ok=True)


def _write_whole(path: Path, text: str) -> None:
    part = path.with_suffix(".tmp")
    part.write_text(text, "utf-8")
    part.replace(path)


def _mirrored(url: str, base_urls: Mapping[str, str]) -> str:
    """``url`` with the longest matching beginning replaced."""
    for prefix in sorted(base_urls, key=len, reverse=True):
        if url.startswith(prefix):
            return base_urls[prefix] + url[len(prefix) :]
    return url


def _reason(error: BaseException) -> str:
    """The innermost reason of a network error, in a line: requests wraps three others around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
