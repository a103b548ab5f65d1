"""``commonground briefing``: what is listed and written, exit statuses, refusals with page and line."""

from __future__ import annotations

import io
import json
import zipfile

import pypdf
import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.commands import briefings as commands

TEXT = """---
title: Crowded homes
partner: westshire
audience: {audience}
---
# {{{{ whole layer=crowded }}}} live in crowded homes

It is worst in {{{{ worst layer=crowded }}}}.

```exhibit
map
layer: crowded
```
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture()
def run(tiny_pack, home, monkeypatch):
    """Run a command on Tinyland; returns click's Result."""
    for name, value in {"REGION": tiny_pack, "HOME": home}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    monkeypatch.delenv("COMMONGROUND_DATABASE_URL", raising=False)
    return lambda *words: CliRunner().invoke(main, ["briefing", *(str(word) for word in words)])


@pytest.fixture()
def people(run):
    """Accounts: an analyst of each council."""
    for name, partner in (("wendy", "westshire"), ("ed", "eastshire")):
        CliRunner().invoke(main, ["user", "add", name, "--role", "analyst", "--partner", partner, "--no-password"])


@pytest.fixture()
def text(tmp_path):
    def write(content=TEXT, audience="public"):
        file = tmp_path / "crowded.md"
        file.write_text(content.format(audience=audience) if content is TEXT else content, "utf-8")
        return file

    return write


def test_list_names_the_starters(run):
    said = run("list")
    assert said.exit_code == 0, said.output
    assert "region-in-ten-numbers" in said.stdout and "ward-<code>" in said.stdout
    document = json.loads(run("list", "--json").stdout)
    assert {"region-in-ten-numbers", "shared-gaps", "gaps-alcohol"} <= {one["id"] for one in document["briefings"]}
    assert document["wards"] == 4
    assert document["notice"].startswith("Demonstration data")


@pytest.mark.parametrize(
    ("briefing_id", "form"),
    [("shared-gaps", "html"), ("ward-TW1", "html"), ("ward-TW1", "pptx"), ("ward-TW1", "docx"), ("ward-TW1", "pdf")],
)
def test_export_writes_every_format(run, tmp_path, briefing_id, form):
    out = tmp_path / f"b.{form}"
    said = run("export", briefing_id, "--format", form, "--out", out)
    assert said.exit_code == 0, said.output
    assert said.stdout == ""  # where it was written is told on standard error
    data = out.read_bytes()
    starts = {"html": b"<!", "pptx": b"PK", "docx": b"PK", "pdf": b"%PDF"}
    assert data.lstrip()[:4].lower().startswith(starts[form].lower())
    if form == "pdf" and briefing_id.startswith("ward"):
        assert len(pypdf.PdfReader(io.BytesIO(data)).pages) == 1


def test_the_format_follows_from_the_file(run, tmp_path):
    said = run("export", "ward-TW1", "--out", tmp_path / "b.pdf", "--json")
    assert said.exit_code == 0
    (file,) = json.loads(said.stdout)["files"]
    assert file["bytes"] == (tmp_path / "b.pdf").stat().st_size
    assert run("export", "ward-TW1", "--out", tmp_path / "b.txt").exit_code == 2


def test_all_wards_as_one_pdf(run, tmp_path):
    out = tmp_path / "wards.pdf"
    assert run("export", "--all-wards", "--out", out).exit_code == 0
    pages = [page.extract_text() for page in pypdf.PdfReader(out).pages]
    # a sheet of paper a ward: each begins on a front
    assert len(pages) in (7, 8) and all(words.strip() for words in pages[::2])
    assert run("export", "--all-wards", "--authority", "TA", "--out", out).exit_code == 0
    assert len(pypdf.PdfReader(out).pages) in (3, 4)


@pytest.mark.parametrize("form", ["html", "docx", "pdf"])
def test_all_wards_as_a_folder(run, tmp_path, form):
    said = run("export", "--all-wards", "--format", form, "--out", tmp_path / "wards", "--json")
    assert said.exit_code == 0, said.output
    names = sorted(file.name for file in (tmp_path / "wards").iterdir())
    assert "south-west-tw1." + form in names
    assert len(names) == 4 + (form == "html")  # and the page of contents
    assert len(json.loads(said.stdout)["files"]) == len(names)
    if form == "html":
        index = (tmp_path / "wards" / "index.html").read_text("utf-8")
        assert all(f'href="{name}"' in index for name in names if name != "index.html")


def test_all_wards_as_a_zip(run, tmp_path):
    out = tmp_path / "wards.zip"
    assert run("export", "--all-wards", "--format", "html", "--out", out).exit_code == 0
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 5


def test_too_many_wards_for_one_file_are_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "MOST_IN_ONE", 3)
    said = run("export", "--all-wards", "--out", tmp_path / "wards.pdf")
    assert said.exit_code == 1 and "folder" in said.stderr
    assert not (tmp_path / "wards.pdf").exists()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("export", "nothing", "--out", "OUT/x.pdf"), 1),
        (("export", "ward-XX", "--out", "OUT/x.pdf"), 1),
        (("export", "../../etc/passwd", "--out", "OUT/x.pdf"), 1),
        (("export", "gaps-alcohol", "--version", "3", "--out", "OUT/x.pdf"), 1),
        (("export", "--all-wards", "--authority", "ZZ", "--out", "OUT/x.pdf"), 1),
        (("export", "--out", "OUT/x.pdf"), 2),
        (("export", "gaps-alcohol", "--all-wards", "--out", "OUT/x.pdf"), 2),
        (("export", "gaps-alcohol", "--authority", "TA", "--out", "OUT/x.pdf"), 2),
        (("export", "gaps-alcohol"), 2),
        (("export", "gaps-alcohol", "--format", "odt", "--out", "OUT/x"), 2),
        (("validate", "OUT/missing.md"), 1),
        (("list", "--as", "nobody"), 1),
        (("withdraw", "nothing", "--by", "nobody", "--reason", "x"), 1),
    ],
)
def test_exit_statuses(run, tmp_path, words, status):
    said = run(*(word.replace("OUT", str(tmp_path)) for word in words))
    assert said.exit_code == status, said.output
    assert not list(tmp_path.iterdir())
    assert "Traceback" not in said.output


def test_a_refusal_is_one_json_document(run, tmp_path):
    said = run("export", "nothing", "--out", tmp_path / "x.pdf", "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)["ok"] is False


def test_validate_says_that_it_is_well(run, text):
    said = run("validate", text())
    assert said.exit_code == 0, said.output
    assert "Crowded homes: 1 page" in said.stdout
    document = json.loads(run("validate", text(), "--json").stdout)
    assert document["ok"] and document["pages"] == 1 and document["facts"] == 2
    assert document["layers"] == {"crowded": 1}


def test_validate_names_every_fault_with_page_and_line(run, text):
    file = text(
        "---\ntitle: x\npartner: westshire\n---\n# {{ whole layer=crowdd }}\n\n{{ nonsense }}\n\n# Two\n\n{{ area.name area=T99 }}\n"
    )
    said = run("validate", file)
    assert said.exit_code == 1
    for part in ("page 1, line 5", "page 1, line 7", "page 2, line 11", "crowded"):
        assert part in said.stderr
    assert len(json.loads(run("validate", file, "--json").stdout)["faults"]) == 3


def test_validate_refuses_what_is_not_text(run, tmp_path):
    (tmp_path / "b.md").write_bytes(b"\xff\xfe\x00")
    said = run("validate", tmp_path / "b.md")
    assert said.exit_code == 1 and "UTF-8" in said.stderr


def test_publish_read_and_withdraw(run, text, tmp_path, people):
    said = run("publish", text(), "--by", "wendy", "--id", "crowded-homes", "--note", "First", "--json")
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["version"] == 1
    assert "crowded-homes" in run("list").stdout
    assert run("export", "crowded-homes", "--out", tmp_path / "b.html").exit_code == 0
    assert "live in crowded homes" in (tmp_path / "b.html").read_text("utf-8")
    assert run("publish", text(), "--by", "wendy", "--id", "crowded-homes").exit_code == 0
    assert run("export", "crowded-homes", "--version", 1, "--out", tmp_path / "b.pdf").exit_code == 0
    assert run("withdraw", "crowded-homes", "--by", "ed", "--reason", "Not mine").exit_code == 1
    assert run("withdraw", "crowded-homes", "--by", "wendy", "--reason", "Out of date").exit_code == 0
    said = run("export", "crowded-homes", "--out", tmp_path / "c.pdf")
    assert said.exit_code == 1
    assert not (tmp_path / "c.pdf").exists()


def test_a_briefing_for_its_owner_is_not_there_for_others(run, text, tmp_path, people):
    assert run("publish", text(audience="owner"), "--by", "wendy", "--id", "our-own").exit_code == 0
    for words in ((), ("--as", "ed")):
        assert "our-own" not in run("list", *words).stdout
        hidden = run("export", "our-own", "--out", tmp_path / "b.pdf", *words)
        missing = run("export", "not-there", "--out", tmp_path / "b.pdf", *words)
        assert (hidden.exit_code, hidden.output) == (missing.exit_code, missing.output)
    assert "our-own" in run("list", "--as", "wendy").stdout
    assert run("export", "our-own", "--out", tmp_path / "b.pdf", "--as", "wendy").exit_code == 0


def test_nobody_publishes_for_somebody_else(run, text, people):
    said = run("publish", text(), "--by", "ed", "--id", "not-mine")
    assert said.exit_code == 1
    assert "not-mine" not in run("list").stdout


def test_a_broken_briefing_is_not_published(run, text, people):
    said = run(
        "publish", text("---\ntitle: x\npartner: westshire\n---\n# {{ nonsense }}\n"), "--by", "wendy", "--id", "broken"
    )
    assert said.exit_code == 1 and "line 5" in said.stderr
    assert "broken" not in run("list").stdout


@pytest.mark.parametrize("words", ["Say the one point of this page here", "Say why it matters, in a sentence or two"])
def test_a_text_that_nobody_has_finished_is_not_published(run, people, tmp_path, words):
    file = tmp_path / "unwritten.md"
    file.write_text(
        f"---\ntitle: T\npartner: westshire\naudience: public\n---\n# A page\n\nDone.\n\n# {words[:40]}\n\n{words}\n",
        "utf-8",
    )
    name = f"unwritten-{len(words)}"
    said = run("publish", file, "--by", "wendy", "--id", name)
    assert said.exit_code != 0 and f"“{words}” still stands here" in said.output and "line " in said.output
    assert name not in run("list").stdout
    file.write_text(file.read_text("utf-8").replace(words, "It was cold.").replace(words[:40], "Cold"), "utf-8")
    assert run("publish", file, "--by", "wendy", "--id", name).exit_code == 0
