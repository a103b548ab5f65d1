"""``tools/record.py``: what changes from run to run has a name, and two recordings that differ are told apart."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture(scope="module")
def record():
    sys.path.insert(0, str(TOOLS))
    try:
        spec = importlib.util.spec_from_file_location("record", TOOLS / "record.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def normal(record):
    from recording import normal

    return normal


@pytest.fixture
def noon(normal):
    return normal.Normaliser({"/tmp/x1": "<scratch>"}, now=datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def two(tmp_path):
    """Two equal recordings."""
    for name in ("before", "after"):
        folder = tmp_path / name / "api"
        folder.mkdir(parents=True)
        (folder / "gaps.txt").write_text("status 200\nresidents 104200\nareas 7\n", "utf-8")
        (folder / "region.txt").write_text("status 200\n", "utf-8")
    return tmp_path / "before", tmp_path / "after"


# ---- comparing -------------------------------------------------------------------------------------------------------


def test_equal_recordings_are_equal(record, two, capsys):
    assert record.compare(*two) == []
    assert record.main(["compare", *map(str, two)]) == 0
    assert capsys.readouterr().out == "Nothing differs.\n"


def test_a_changed_number_is_shown(record, two, capsys):
    (two[1] / "api/gaps.txt").write_text("status 200\nresidents 104201\nareas 7\n", "utf-8")
    assert record.compare(*two) == [
        "api/gaps.txt: differs\n  from line 2:\n    -residents 104200\n    +residents 104201"
    ]
    assert record.main(["compare", *map(str, two)]) == 1
    assert "1 items differ" in capsys.readouterr().out


def test_a_missing_and_a_new_file_are_told(record, two):
    (two[1] / "api/region.txt").rename(two[1] / "api/regions.txt")
    missing, new = record.compare(*two)
    assert missing == f"api/region.txt: only in {two[0]}" and new == f"api/regions.txt: only in {two[1]}"


def test_the_same_difference_is_shown_once(record, two):
    for name in ("gaps", "region"):
        for folder in two:
            (folder / f"api/{name}.txt").write_text(f"{name}\ntitle {folder.name}\n", "utf-8")
    first, second = record.compare(*two)
    assert "-title before" in first and second == "api/region.txt: differs as api/gaps.txt"


def test_one_part_alone(record, two):
    (two[1] / "api/gaps.txt").unlink()
    assert record.compare(*two, parts=["links"]) == [] and len(record.compare(*two)) == 1


def test_long_differences_are_cut(record, two):
    (two[0] / "api/gaps.txt").write_text("\n".join(f"a{n}" for n in range(9000)), "utf-8")
    (two[1] / "api/gaps.txt").write_text("\n".join(f"b{n}" for n in range(9000)), "utf-8")
    (found,) = record.compare(*two, 4)
    assert len(found.splitlines()) == 7 and found.endswith("lines more")


def test_a_folder_that_is_not_there_is_refused(record, two):
    with pytest.raises(SystemExit, match="no such folder"):
        record.compare(two[0], two[1] / "absent")
    with pytest.raises(SystemExit, match="is not empty"):
        record.make(two[0], two[0], ["api"], whole=True)


# ---- what changes from run to run ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2026-03-01", "<today>"),
        ("2026-03-01T09:30:12.123456+00:00", "<now>"),
        ("2026-03-01T23:59:59Z", "<now>"),
        ("1 March 2026", "<today>"),
        ("28 February 2026, 23:59", "<now>"),  # begun before midnight
        ("1\nMarch 2026", "<today>"),  # a line of a PDF
        ("01 Mar 2026", "<today>"),
        ("11 March 2026", "11 March 2026"),
        ("2026-01-01", "2026-01-01"),
        ("/tmp/x1/home", "<scratch>/home"),
        ('{"seconds": 0.0123}', '{"seconds": <n>}'),
        ("98 layers, in 10.7 s", "98 layers, in <n> s"),
        ("/assets/map.js?m=1764493.5", "/assets/map.js"),
        ("/_dash-component-suites/dash/deps/react.v4_1_0m1764.js", "/_dash-component-suites/dash/deps/react.js"),
    ],
)
def test_what_changes_from_run_to_run_has_a_name(noon, given, wanted):
    assert noon(given) == wanted


def test_a_random_id_is_learnt(noon):
    noon.learn("f00dfeed", "<draft>")
    noon.learn("", "<nothing>")
    assert noon("/publish/f00dfeed/columns") == "/publish/<draft>/columns"


def test_items_are_named_after_what_was_asked(normal, noon, tmp_path):
    folder = normal.Folder(tmp_path / "api", noon, {"a=2,b,c": "NEED"})
    for name in ("GET /api/v1/gaps?need=a=2,b,c", "A", "a", "x" * 200):
        folder.write(name, name)
    with pytest.raises(ValueError, match="twice"):
        folder.write("A", "again")
    found = {file.name: file.read_text("utf-8") for file in (tmp_path / "api").iterdir()}
    assert found["GET_api_v1_gaps_need=NEED.txt"] == "GET /api/v1/gaps?need=a=2,b,c\n"
    assert len(found) == 4 and max(map(len, found)) < 120


# ---- what is written down --------------------------------------------------------------------------------------------


def test_a_layout_as_lines(normal):
    layout = {
        "type": "Div", "namespace": "dash_html_components",
        "props": {"id": "main", "className": "page", "children": [
            "Need", None, {"type": "A", "namespace": "dash_html_components", "props": {"href": "/x", "children": 7}},
        ]},
    }  # fmt: skip
    assert list(normal.dash_lines(layout)) == ["Div #main .page", ' "Need"', " A", '   href = "/x"', "  7"]


def test_a_page_as_lines(normal):
    page = '<html><head><link rel=stylesheet href=a.css><script>x()</script></head><body><p class="a">Fish &amp; chips<br></body>'
    assert normal.html_text(page).split("\n") == [
        "<html>",
        " <head>",
        " <body>",
        '  <p class="a">',
        "   Fish & chips",
        "   <br>",
    ]


def test_outlines_are_a_hash_and_numbers_stay(normal):
    found = normal.json_text({"coordinates": [[n / 3, n / 7] for n in range(99)], "value": 0.1 + 0.2})
    assert "0.30000000000000004" in found and "sha256" in found and len(found) < 120
    moved = normal.json_text({"coordinates": [[n / 3, n / 7] for n in range(98)] + [[0, 0]], "value": 0.1 + 0.2})
    assert moved != found


def test_a_workbook_reads(record, noon):
    import openpyxl
    from recording.files import file_text

    book, data = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["E01000001", 2.5])
    book.save(data)
    assert "  | 'E01000001' | 2.5" in file_text("a.xlsx", data.getvalue(), noon)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
    assert file_text("a.zip", packed.getvalue(), noon) == "member a.csv\n  x\n  1"
