"""Downloads, against a server on this machine that cuts, lies and stumbles as the real ones do."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import pandas as pd
import pytest

from layers.build import download
from layers.build.download import fetch, read_manifest
from layers.model import Refused

ROOT = Path(__file__).parents[3]
BODY = bytes(range(256)) * 4_000  # about 1 MB
OTHER = b"another edition " * 50_000


class Server(ThreadingHTTPServer):
    """``files[path]`` is a dict: body, etag, modified, cut (bytes after which the line breaks, once), status (list of
    answers before the good one), type, ranges (whether Range is understood). ``asked`` records every request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, dict] = {}
        self.rows: list[dict] = []
        self.fail_at: set[int] = set()
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        split = urlsplit(self.path)
        self.server.asked.append((split.path, self.headers.get("Range", "")))
        if split.path.endswith("/query"):
            return self.query({key: value[0] for key, value in parse_qs(split.query).items()})
        file = self.server.files.get(split.path)
        if file is None:
            return self.send_error(404)
        if file.get("status"):
            self.send_response(file["status"].pop(0))
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body, start = file["body"], 0
        wanted = self.headers.get("Range", "")
        if wanted and file.get("ranges", True):
            if self.headers.get("If-Range") in (file.get("etag"), file.get("modified")):
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body) and start:
                return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", file.get("type", "application/octet-stream"))
        self.send_header("Content-Length", str(len(body) - start))
        for header, key in (("ETag", "etag"), ("Last-Modified", "modified")):
            if file.get(key):
                self.send_header(header, file[key])
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        cut = file.pop("cut", None)
        self.wfile.write(body[start : cut if cut is not None else len(body)])
        if file.get("after_cut") and cut is not None:
            file.update(file.pop("after_cut"))
        self.close_connection = True
        return None

    def query(self, asked):
        rows = self.server.rows
        if "returnCountOnly" in asked:
            return self.json({"count": len(rows)})
        start = int(asked["resultOffset"])
        if start in self.server.fail_at:
            self.server.fail_at.discard(start)
            return self.json({"error": {"code": 503, "message": "busy"}})
        page = rows[start : start + min(int(asked["resultRecordCount"]), 400)]  # fewer than were asked for
        fields = asked["outFields"].split(",")
        if asked["f"] == "geojson":
            features = [
                {
                    "type": "Feature",
                    "properties": {name: row[name] for name in fields},
                    "geometry": {"type": "Point", "coordinates": [-1.5, 55.0]},
                }
                for row in page
            ]
            return self.json({"type": "FeatureCollection", "features": features})
        return self.json({"features": [{"attributes": {name: row[name] for name in fields}} for row in page]})

    def json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def manifest(tmp_path, *rows: dict) -> Path:
    lines = []
    for row in rows:
        row = {"title": "T", "publisher": "P", "licence": "OGL-UK-3.0", "page": "https://example.org/page"} | row
        lines += ["[[file]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items()), ""]
    path = tmp_path / "sources.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


FILE = {"path": "indicators/a.bin", "url": "https://files.example/a.bin"}


def get(tmp_path, server, *rows, **options):
    options.setdefault("pause_s", 0)
    shown = []
    report = fetch(
        manifest(tmp_path, *(rows or (FILE,))),
        tmp_path / "official",
        base_urls={"https://files.example": server.address},
        progress=lambda *args: shown.append(args),
        **options,
    )
    return report, shown


def left_over(tmp_path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "official").rglob(".*"))


def test_a_file_arrives_whole_under_its_name(tmp_path, server):
    server.files["/a.bin"] = {"body": BODY, "etag": '"1"'}
    by_hand = {"path": "services/b.csv"}
    report, shown = get(tmp_path, server, FILE | {"sha256": hashlib.sha256(BODY).hexdigest()}, by_hand)
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == BODY
    assert report.fetched == ("indicators/a.bin",) and [s.path for s in report.by_hand] == ["services/b.csv"]
    assert shown[-1] == ("indicators/a.bin", len(BODY), len(BODY))
    assert [done for _, done, _ in shown] == sorted(done for _, done, _ in shown)
    assert left_over(tmp_path) == []
    report, _ = get(tmp_path, server)  # a second call asks for nothing
    assert report.present == ("indicators/a.bin",) and len(server.asked) == 1


@pytest.mark.parametrize("validator", [{"etag": '"1"'}, {"modified": "Sun, 22 Nov 2026 08:00:00 GMT"}])
def test_a_cut_line_is_resumed_where_it_broke(tmp_path, server, validator):
    server.files["/a.bin"] = {"body": BODY, "cut": 300_000, **validator}
    get(tmp_path, server, FILE | {"sha256": hashlib.sha256(BODY).hexdigest()})
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == BODY
    first, second = server.asked
    assert first[1] == "" and second[1].startswith("bytes=")
    assert 0 < int(second[1][6:-1]) <= 300_000
    assert left_over(tmp_path) == []


def test_a_later_run_resumes_too(tmp_path, server):
    server.files["/a.bin"] = {"body": BODY, "cut": 500_000, "etag": '"1"'}
    with pytest.raises(Refused):
        get(tmp_path, server, attempts=1)
    assert left_over(tmp_path) == [".a.bin.part", ".a.bin.part.json"]
    assert not (tmp_path / "official/indicators/a.bin").exists()
    get(tmp_path, server)
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == BODY
    assert server.asked[1][1].startswith("bytes=")


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(tmp_path, server):
    new = {"body": OTHER, "etag": '"2"'}
    server.files["/a.bin"] = {"body": BODY, "etag": '"1"', "cut": 300_000, "after_cut": new}
    get(tmp_path, server)
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == OTHER


def test_a_file_that_became_shorter_is_fetched_from_the_start(tmp_path, server):
    # A careless server: it keeps the same ETag for a shorter file, and answers 416.
    short = {"body": b"short", "etag": '"1"'}
    server.files["/a.bin"] = {"body": BODY, "etag": '"1"', "cut": 300_000, "after_cut": short}
    get(tmp_path, server)
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == b"short"


@pytest.mark.parametrize("file", [{"etag": 'W/"1"'}, {}, {"etag": '"1"', "ranges": False}])
def test_without_a_firm_validator_or_ranges_it_starts_again(tmp_path, server, file):
    server.files["/a.bin"] = {"body": BODY, "cut": 300_000, **file}
    get(tmp_path, server, FILE | {"sha256": hashlib.sha256(BODY).hexdigest()})
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == BODY


def test_two_halves_of_different_files_are_noticed_by_the_checksum(tmp_path, server):
    # The worst server: another file of the same length under the same ETag.
    mixed = BODY[::-1]
    server.files["/a.bin"] = {"body": BODY, "etag": '"1"', "cut": 300_000, "after_cut": {"body": mixed}}
    get(tmp_path, server, FILE | {"sha256": hashlib.sha256(mixed).hexdigest()})
    assert (tmp_path / "official/indicators/a.bin").read_bytes() == mixed


def test_a_wrong_checksum_is_refused_and_nothing_kept(tmp_path, server):
    server.files["/a.bin"] = {"body": OTHER, "etag": '"1"'}
    wanted = hashlib.sha256(BODY).hexdigest()
    with pytest.raises(Refused) as caught:
        get(tmp_path, server, FILE | {"sha256": wanted})
    text = str(caught.value)
    assert hashlib.sha256(OTHER).hexdigest() in text and wanted in text and "https://example.org/page" in text
    assert not (tmp_path / "official/indicators/a.bin").exists() and left_over(tmp_path) == []
    assert len(server.asked) == 1  # trying again would bring the same file


def test_a_busy_server_is_asked_again(tmp_path, server):
    server.files["/a.bin"] = {"body": BODY, "status": [503, 429]}
    get(tmp_path, server)
    assert len(server.asked) == 3


def test_every_file_that_fails_is_named_and_the_others_arrive(tmp_path, server):
    server.files["/a.bin"] = {"body": BODY}
    server.files["/page.csv"] = {"body": b"<html></html>", "type": "text/html; charset=utf-8"}
    server.files["/down.csv"] = {"body": b"x", "status": [500] * 9}
    with pytest.raises(Refused) as caught:
        get(
            tmp_path,
            server,
            {"path": "b.csv", "url": "https://files.example/moved.csv"},
            {"path": "c.csv", "url": "https://files.example/page.csv"},
            {"path": "d.csv", "url": "https://files.example/down.csv"},
            FILE,
            attempts=2,
        )
    text = str(caught.value)
    assert "3 of 4 official files could not be downloaded" in text
    assert "b.csv: the server answered 404" in text and "may have moved it" in text
    assert "c.csv: the server sent a web page in place of the file" in text
    assert "d.csv: the server answered 500" in text and "2 times" in text
    assert (tmp_path / "official/indicators/a.bin").exists()
    assert [path for path, _ in server.asked].count("/moved.csv") == 1  # a 404 is not tried again


def test_a_machine_without_network_gets_one_clear_sentence(tmp_path, server):
    server.server_close()  # nobody listens there now
    with pytest.raises(Refused) as caught:
        get(tmp_path, server, FILE, FILE | {"path": "b.bin"}, attempts=2)
    assert caught.value.title == (
        "This machine cannot reach 127.0.0.1: fetch the official files on one that can (docs/region-pack.md lists them) "
        "and give their folder with --source DIR."
    )
    assert len(caught.value.faults) == 1


# Feature services

SERVICE = {
    "path": "lookups/t.csv",
    "url": "https://files.example/T/FeatureServer/0",
    "kind": "features",
    "fields": ["LAD24CD", "LAD24NM"],
}


def rows(n: int, name: str = "Place") -> list[dict]:
    return [{"LAD24CD": f"E{i:08d}", "LAD24NM": f"{name}, {i}", "OBJECTID": i} for i in range(n)]


def test_a_table_is_fetched_page_by_page(tmp_path, server):
    server.rows = rows(1_001)
    report, shown = get(tmp_path, server, SERVICE)
    table = pd.read_csv(tmp_path / "official/lookups/t.csv", dtype=str)
    assert list(table.columns) == ["LAD24CD", "LAD24NM"] and len(table) == 1_001
    assert table["LAD24NM"].iloc[-1] == "Place, 1000"  # the comma survives
    assert [done for _, done, _ in shown] == [400, 800, 1_001]
    assert report.fetched == ("lookups/t.csv",) and left_over(tmp_path) == []


def test_outlines_become_geojson(tmp_path, server):
    server.rows = rows(3)
    get(tmp_path, server, SERVICE | {"path": "boundaries/t.geojson", "geometry": True})
    frame = gpd.read_file(tmp_path / "official/boundaries/t.geojson")
    assert list(frame["LAD24CD"]) == ["E00000000", "E00000001", "E00000002"] and frame.crs.to_epsg() == 4326


def test_pages_that_arrived_are_not_asked_for_again(tmp_path, server):
    server.rows, server.fail_at = rows(1_001), {800}
    with pytest.raises(Refused) as caught:
        get(tmp_path, server, SERVICE, attempts=1)
    assert "503: busy" in str(caught.value)
    asked = len(server.asked)
    get(tmp_path, server, SERVICE)
    assert len(server.asked) - asked == 2  # the count and the last page
    assert len(pd.read_csv(tmp_path / "official/lookups/t.csv")) == 1_001


def test_a_table_that_grew_meanwhile_is_fetched_from_the_start(tmp_path, server):
    server.rows, server.fail_at = rows(1_001), {800}
    with pytest.raises(Refused):
        get(tmp_path, server, SERVICE, attempts=1)
    server.rows = rows(1_005, "New")
    get(tmp_path, server, SERVICE)
    table = pd.read_csv(tmp_path / "official/lookups/t.csv")
    assert len(table) == 1_005 and table["LAD24NM"].str.startswith("New").all()


def test_a_csv_may_be_kept_as_parquet(tmp_path, server):
    server.files["/t.csv"] = {"body": b"\xef\xbb\xbfLSOA code (2021),Score\nE01000001,1.5\n"}
    get(tmp_path, server, {"path": "indicators/t.parquet", "url": "https://files.example/t.csv", "keep_as": "parquet"})
    table = pd.read_parquet(tmp_path / "official/indicators/t.parquet")
    assert table.to_dict("records") == [{"LSOA code (2021)": "E01000001", "Score": 1.5}]
    assert left_over(tmp_path) == []


# The list of files


def test_a_bad_list_is_refused_with_every_fault(tmp_path):
    path = manifest(
        tmp_path,
        {"path": "../out.csv"},
        {"path": "a.csv", "url": "http://files.example/a.csv"},
        {"path": "b.csv", "kind": "torrent"},
        {"path": "c.csv", "colour": "red"},
        {"path": "d.csv", "title": ""},
    )
    with pytest.raises(Refused) as caught:
        read_manifest(path)
    text = str(caught.value)
    for words in ("leaves the folder", "not an https address", "'torrent'", "unknown keys colour", "lacks title"):
        assert words in text


def test_the_projects_list_covers_everything_that_areas_need():
    from layers.sources import ons

    listed = read_manifest(ROOT / "data/sources.toml")
    paths = [source.path for source in listed]
    assert len(set(paths)) == len(paths)
    for file in ons.FILES:
        endings = [f"{file.path}{ending}" for ending in file.endings]
        assert any(path in endings for path in paths), file.path
    for source in listed:
        if source.needed_for == "areas":
            assert source.url, source.path
        if source.kind == "features":
            wanted = next(file for file in ons.FILES if source.path.startswith(file.path))
            assert set(wanted.columns) <= set(source.fields), source.path


def test_the_catalogues_files_are_all_listed():
    from layers.build.catalogue import load_catalogue

    listed = {source.path for source in read_manifest(ROOT / "data/sources.toml")}
    stems = {path.rsplit(".", 1)[0] for path in listed}
    for definition in load_catalogue(ROOT / "data/catalogue"):
        file = definition.source.file
        assert file in listed or file.rsplit(".", 1)[0] in stems, f"{definition.id} needs {file}"


def test_the_bar_is_silent_where_nobody_watches(capsys):
    download.bar_on_stderr()("a.bin", 1, 2)
    assert capsys.readouterr().err == ""


def test_the_bar_shows_name_and_share(monkeypatch):
    class Terminal:
        text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    terminal = Terminal()
    monkeypatch.setattr(download.sys, "stderr", terminal)
    show = download.bar_on_stderr(width=10)
    show("indicators/a.bin", 1, 2)
    show("indicators/a.bin", 2, 2)
    assert "a.bin" in terminal.text and "[#####     ]  50%" in terminal.text
    assert terminal.text.endswith("[##########] 100%\n")


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert download.sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
