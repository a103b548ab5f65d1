"""Presenter's notes are for those who may edit the briefing: on no page, in no file, by no command for anybody else."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest

from dashboard.briefings.files.formats import FORMATS
from layers import SYSTEM, Briefings, Refused, load_region, read_briefing, without_notes
from tests.dashboard.briefings.test_web import Site
from tests.tiny import write_tiny_pack

SECRET = "Quincewhisper"
TEXT = f"""---
title: Plum matters
partner: westshire
---
# One

Look.

```notes
{SECRET} {{{{ highest layer=harm level=lsoa }}}}
```

# Two

~~~~ notes
{SECRET}
~~~~

Words.
"""
EDITORS = {"ann", "root"}
READERS = {"", "eve", "val", "vic"}
PEOPLE = {"ann": ("analyst", "westshire"), "eve": ("analyst", "eastshire"), "vic": ("viewer", "westshire"),
          "val": ("viewer", "eastshire"), "root": ("admin", "icb")}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("notes")
    pack = write_tiny_pack(home / "tiny")
    (pack / "briefings").mkdir(exist_ok=True)
    (pack / "briefings" / "of-the-pack.md").write_text(TEXT, "utf-8")
    made = Site(load_region(pack), home)
    for name, (role, partner) in PEOPLE.items():
        made.store.accounts.add_user(name, role=role, partner=partner, by=SYSTEM)
    made.publish("ann", TEXT, "whispered")
    made.publish("ann", TEXT.replace("# Two", "# Two more"), "whispered")
    yield made
    made.store.close()


def everything_in(data: bytes) -> str:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return data.decode("utf-8", "replace")


@pytest.mark.parametrize("briefing_id", ["whispered", "of-the-pack"])
@pytest.mark.parametrize("person", sorted(READERS))
def test_no_address_gives_a_reader_the_notes(site, person, briefing_id):
    client = site.client(person)
    paths = [rule.rule for rule in site.app.url_map.iter_rules() if rule.rule.startswith("/briefings/<briefing_id>")]
    assert len(paths) > 8
    for rule in paths:
        path = rule.replace("<briefing_id>", briefing_id).replace("<name>", "x").replace("<int:number>", "1")
        for form in [*FORMATS, "svg"] if "<format_>" in path else [""]:
            for version in ("", "?version=1", "?a=1&b=2"):
                answer = client.get(path.replace("<format_>", form) + version)
                assert SECRET not in everything_in(answer.data), (path, form, version)
                assert b'data-do="notes"' not in answer.data and b"data-notes=" not in answer.data
    notes = client.get(f"/briefings/{briefing_id}/notes")
    absent = client.get("/briefings/wispered-nothing/notes")
    assert notes.status_code == absent.status_code == 404
    assert notes.text.replace(briefing_id, "wispered-nothing") == absent.text


@pytest.mark.parametrize("person", sorted(EDITORS))
def test_those_who_may_edit_have_them(site, person):
    client = site.client(person)
    assert SECRET in client.get("/briefings/whispered/notes").text
    assert SECRET in client.get("/briefings/of-the-pack/notes").text
    assert SECRET in everything_in(client.get("/briefings/whispered/files/x.pptx").data)
    assert 'data-do="notes"' in client.get("/briefings/whispered/present").text
    for form in ("html", "docx"):
        assert SECRET not in everything_in(client.get(f"/briefings/whispered/files/x.{form}").data)
    assert SECRET not in client.get("/briefings/whispered/embed").text  # other websites have readers only


def test_a_file_made_for_an_editor_is_not_given_to_a_reader(site):
    """Files are kept in memory: one that was made with notes, and one without, are two."""
    for order in (("ann", "val"), ("val", "ann")):
        for person in order:
            data = site.client(person).get("/briefings/whispered/files/x.pptx").data
            assert (SECRET in everything_in(data)) == (person in EDITORS)


@pytest.mark.parametrize("source", ["whispered", "of-the-pack"])
def test_who_begins_from_it_begins_without_the_notes(site, source):
    begun = site.client("eve").post("/briefings/edit", data={"from": source})
    assert begun.status_code == 303
    text = site.client("eve").get(begun.location).text
    assert "Words." in text and SECRET not in text


def test_the_store_itself_keeps_them(site):
    for name in READERS | EDITORS:
        viewer = site.viewer(name or "public")
        kept = [
            Briefings(site.store).get("whispered", viewer).text,
            Briefings(site.store).get("whispered", viewer, 1).text,
        ]
        kept += [one.text for one in Briefings(site.store).history("whispered", viewer)]
        assert [SECRET in text for text in kept] == [name in EDITORS] * 4


def test_a_checker_confirms_the_whole_text(site):
    held, ann, vic = site.held.drafts, site.viewer("ann"), site.viewer("vic")
    draft = held.begin(ann, TEXT)
    held.ask_check(draft.id, ann, "vic")
    seen = held.get(draft.id, vic)
    assert SECRET not in seen.text and SECRET not in held.list(vic)[0].text
    assert SECRET not in held.answer_check(draft.id, vic, seen.revision).text
    assert SECRET in held.get(draft.id, ann).text and held.get(draft.id, ann).checked_by == "vic"
    held.discard(draft.id, ann)


def test_by_command_too(site, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from dashboard.cli import main

    monkeypatch.setenv("COMMONGROUND_REGION", str(site.published.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(tmp_path))
    monkeypatch.setenv("COMMONGROUND_DATABASE_URL", str(site.store.engine.url))
    for name in sorted(READERS | EDITORS):
        out = tmp_path / f"{name or 'public'}.pptx"
        words = ["briefing", "export", "whispered", "--out", str(out), *(["--as", name] if name else [])]
        found = CliRunner().invoke(main, words)
        assert found.exit_code == 0, found.output
        assert (SECRET in everything_in(out.read_bytes())) == (name in EDITORS), name


ODD = (
    "```notes\nX\n```", "   ```notes\nX\n ```  ", "````notes\nX\n```\nX\n`````", "~~~ notes \nX\n```\n~~~",
    "```notes\nX", "```notes\nX\n    ```\nX\n```", "```notes\nX\n```\u00a0\nX\n```", "```\tnotes\nX\n\t```\nX\n```\t",
    "```notes\n```\n```notes\nX\n```",
)  # fmt: skip


@pytest.mark.parametrize("block", ODD)
@pytest.mark.parametrize("after", ["", "\n\nStays.\n", "\n\n# Next\n\nStays.\n"])
def test_however_the_block_is_written(block, after):
    """What the reader of briefings takes for notes is what is taken out, and nothing else."""
    text = f"---\ntitle: A\n  ```notes\npartner: b\n---\n# One\n\nBefore.\n\n{block}{after}"
    assert "X" not in without_notes(text)
    bare = read_briefing(without_notes(text))
    assert not any(page.notes for page in bare.pages)
    with contextlib.suppress(Refused):  # notes within which something stands that cannot
        before = read_briefing(text)
        assert any(page.notes for page in before.pages)
        assert [page.blocks for page in before.pages] == [page.blocks for page in bare.pages]
