"""Briefings through a test client: who may read what at every address, hostile texts, the editor's whole round, withdrawal.

Three briefings of Westshire, one for each audience, on the tiny region. Whoever may not read one is answered as if it did not
exist: each is asked for beside a twin of the same length that is not there.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.app import create_app
from dashboard.auth.session import COOKIE
from dashboard.briefings.files import contents
from dashboard.briefings.files.formats import FORMATS, BriefingFormat, export_briefing
from dashboard.briefings.filling.model import BriefingPage
from dashboard.briefings.sources import RESERVED, find, short_code
from dashboard.briefings.web import draw
from dashboard.briefings.writing import outline
from dashboard.briefings.writing.drafting import page_of_view
from dashboard.published import Published
from layers import PUBLIC, SYSTEM, Briefings, NotFound, Refused, Viewer, open_store
from tests.databases import copy_database, database_url
from tests.layers.store_fixtures import indicator

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

PEOPLE = (
    ("ann", "analyst", "westshire"),
    ("bob", "analyst", "westshire"),
    ("eve", "analyst", "eastshire"),
    ("vic", "viewer", "westshire"),
    ("val", "viewer", "eastshire"),
    ("root", "admin", "icb"),
)

TEXT = """---
title: {title}
partner: westshire
audience: {audience}
review_on: 2027-01-31
---
# Harm is high for {{{{ region.residents }}}} people

Look at **{{{{ highest layer=harm level=lsoa }}}}** first.

```exhibit
map
view: need=harm&level=lsoa
```

```notes
Say this slowly.
```

# Two councils share it

One point a page.
"""

AUDIENCES = {"all-may-read": "public", "for-partners": "partners", "for-ourselves": "owner"}
TITLES = {"all-may-read": "Plum matters", "for-partners": "Quince matters", "for-ourselves": "Medlar matters"}
WHO = {  # who may read what
    "public": {"all-may-read"},
    "val": {"all-may-read", "for-partners"},
    "eve": {"all-may-read", "for-partners"},
    "vic": set(AUDIENCES),
    "ann": set(AUDIENCES),
    "root": set(AUDIENCES),
}

PAGES = ["", "/present", "/notes", "/changes", "/history", "/compare", "?version=1", "/present?version=1"]
FILES = ["/qr.svg", "/exhibits/1.svg", "/files/{id}.html", "/own-ward?ward=TW1"]


class Site:
    """One application over a copy of the store, and browsers in which somebody is signed in."""

    def __init__(self, region, home: Path):
        self.at = NOON
        self.store = open_store(database_url(home / "store.sqlite"), region, clock=lambda: self.at)
        self.published = Published(region, self.store, home)
        self.app = create_app(self.published, "a key for the tests only").server
        self.held = Briefings(self.store)

    def client(self, name: str = ""):
        client = self.app.test_client()
        if name and name != "public":
            client.set_cookie(COOKIE, self.store.accounts.start_session(name))
        return client

    def viewer(self, name: str) -> Viewer:
        return PUBLIC if name == "public" else self.store.accounts.viewer_named(name)

    def draft(self, name: str, text: str, briefing_id: str = "") -> str:
        return self.held.drafts.begin(self.viewer(name), text, briefing_id).id

    def publish(self, name: str, text: str, briefing_id: str):
        """By hand, as the editor does it."""
        client, draft = self.client(name), self.draft(name, text, briefing_id)
        answer = client.post(f"/briefings/edit/{draft}/publish", data={"action": "publish", "briefing_id": briefing_id})
        assert answer.status_code == 303, said(answer)
        return answer


def said(answer) -> str:
    """The words of a page, without its tags."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture(scope="module")
def filled(tiny_region, tmp_path_factory) -> Path:
    """A store with people and the three briefings, to copy."""
    home = tmp_path_factory.mktemp("filled")
    site = Site(tiny_region, home)
    for name, role, partner in PEOPLE:
        site.store.accounts.add_user(name, role=role, partner=partner, by=SYSTEM)
    for briefing_id, audience in AUDIENCES.items():
        site.publish("ann", TEXT.format(title=TITLES[briefing_id], audience=audience), briefing_id)
    site.store.close()
    return home / "store.sqlite"


@pytest.fixture(scope="module")
def read_only(tiny_region, filled, tmp_path_factory):
    """For tests that change nothing."""
    home = tmp_path_factory.mktemp("read-only")
    copy_database(filled, home / "store.sqlite")
    made = Site(tiny_region, home)
    yield made
    made.store.close()


@pytest.fixture
def site(tiny_region, filled, tmp_path):
    copy_database(filled, tmp_path / "store.sqlite")
    made = Site(tiny_region, tmp_path)
    yield made
    made.store.close()


# ---- who may read -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", WHO)
def test_each_address_is_open_to_exactly_those_whom_the_audience_names(read_only, person):
    client = read_only.client(person)
    for briefing_id in AUDIENCES:
        for path in [*PAGES, *FILES]:
            address = f"/briefings/{briefing_id}{path.format(id=briefing_id)}"
            answer = client.get(address)
            may = briefing_id in WHO[person] and (path != "/notes" or person in ("ann", "root"))
            if "version=1" in path or may:
                assert answer.status_code == (200 if may else 404), address
            if not may:
                twin = briefing_id[:-1] + "q"
                other = client.get(f"/briefings/{twin}{path.format(id=twin)}")
                assert answer.status_code == other.status_code == 404, address
                assert answer.text.replace(briefing_id, twin) == other.text, address
                assert path == "/notes" or TITLES[briefing_id] not in answer.text
                kept = [{n: v for n, v in one.headers.items() if n != "Date"} for one in (answer, other)]
                assert kept[0] == kept[1], address
            elif person != "public":
                assert "no-store" in answer.headers["Cache-Control"], address


@pytest.mark.parametrize("person", WHO)
def test_the_list_and_short_links_hold_only_what_one_may_read(read_only, person):
    client = read_only.client(person)
    listed = client.get("/briefings").text
    for briefing_id, title in TITLES.items():
        assert (title in listed) == (briefing_id in WHO[person]), briefing_id
        answer = client.get(f"/b/{short_code(read_only.published, briefing_id)}")
        if briefing_id in WHO[person]:
            assert answer.status_code == 302 and answer.location == f"/briefings/{briefing_id}"
        else:
            other = client.get("/b/bcdfgh")
            assert (answer.status_code, re.sub("/b/[a-z0-9]+", "", answer.text)) == (
                other.status_code, re.sub("/b/[a-z0-9]+", "", other.text),
            )  # fmt: skip


def test_every_address_of_a_briefing_is_asked_above(read_only):
    """A new route has to be added to the lists, or to the tests of drafts."""
    asked = {f"/briefings/<briefing_id>{path.split('?')[0]}" for path in [*PAGES, "/qr.svg", "/embed", "/own-ward"]}
    asked |= {
        "/briefings/<briefing_id>/exhibits/<int:number>.<format_>",
        "/briefings/<briefing_id>/files/<name>.<format_>",
    }
    rules = {rule.rule for rule in read_only.app.url_map.iter_rules() if "GET" in rule.methods}
    assert {rule for rule in rules if rule.startswith("/briefings/<briefing_id>")} == asked


def test_there_is_one_door_to_a_briefing(read_only):
    for person in WHO:
        for briefing_id in AUDIENCES:
            viewer = read_only.viewer(person)
            if briefing_id in WHO[person]:
                assert find(read_only.published, briefing_id, viewer).briefing.title == TITLES[briefing_id]
            else:
                with pytest.raises(NotFound):
                    find(read_only.published, briefing_id, viewer)
    for odd in ("", "..", "a b", "x" * 200, "Ä", *RESERVED):
        with pytest.raises(NotFound):
            find(read_only.published, odd, PUBLIC)


@pytest.mark.parametrize("format_", ["pptx", "docx", "pdf"])
def test_files_of_every_format_come_with_their_type(read_only, format_):
    answer = read_only.client().get(f"/briefings/all-may-read/files/all-may-read.{format_}")
    assert answer.status_code == 200
    assert answer.data[:4] == (b"%PDF" if format_ == "pdf" else b"PK\x03\x04")
    assert f'filename="all-may-read.{format_}"' in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_addresses_that_are_nearly_right_are_not_found(read_only):
    client = read_only.client()
    for path in (
        "/briefings/all-may-read/files/x.exe", "/briefings/all-may-read/exhibits/9.svg",
        "/briefings/all-may-read/exhibits/2.svg", "/briefings/all-may-read/exhibits/1.gif",
        "/briefings/all-may-read?version=2", "/briefings/all-may-read?version=x", "/briefings/all-may-read?version=99999999999",
        "/b/zzz", "/b/aeiou1", "/briefings/%2e%2e", "/briefings/ward-nowhere",
    ):  # fmt: skip
        assert client.get(path).status_code == 404, path


def test_every_starter_and_ward_page_is_read_presented_and_taken_away(read_only):
    from dashboard.briefings.writing.starters import starters

    client = read_only.client()
    listed = client.get("/briefings").text
    ids = [one.id for one in starters(read_only.published)]
    assert {"region-in-ten-numbers", "shared-gaps", "gaps-alcohol"} <= set(ids)
    for briefing_id in ids:
        assert f"/briefings/{briefing_id}" in listed
        assert client.get(f"/briefings/{briefing_id}/notes").status_code == 404
        assert read_only.client("eve").get(f"/briefings/{briefing_id}/notes").status_code == 200  # may write from it
        for path in ("", "/present", "/embed"):
            answer = client.get(f"/briefings/{briefing_id}{path}")
            assert answer.status_code == 200 and "cannot be shown" not in answer.text, (briefing_id, path)
    for path in ("", "/present", "/qr.svg", "/files/x.html", "/files/x.pdf", "/embed"):
        assert client.get(f"/briefings/ward-TW1{path}").status_code == 200, path
    found = said(client.get("/briefings/wards?q=south"))
    assert "2 wards with “south”" in found and "South West" in found and "North West" not in found
    assert client.get("/briefings/wards?q=%3Cscript%3E").text.count("<script>") == 0


def test_a_damaged_version_is_said_to_be_damaged_and_harms_no_other(site):
    import sqlalchemy as sa

    from layers.store import migrations, tables

    with site.store.engine.begin() as connection:
        table = tables.briefing_versions
        with migrations.unguarded(connection, table):
            damaged = sa.update(table).where(table.c.briefing_id == "all-may-read").values(text=table.c.text + ".")
            connection.execute(damaged)
    client = site.client("ann")
    answer = client.get("/briefings/all-may-read")
    assert answer.status_code == 503 and "damaged" in answer.text
    assert client.get("/briefings").status_code == 200
    assert client.get("/briefings/for-partners").status_code == 200


# ---- embedding ----------------------------------------------------------------------------------------------------------


def test_only_the_embedded_page_may_be_framed_and_it_is_the_publics(read_only):
    for person in ("public", "ann"):
        client = read_only.client(person)
        answer = client.get("/briefings/all-may-read/embed")
        assert answer.status_code == 200
        assert "X-Frame-Options" not in answer.headers
        assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
        assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
        assert "ann" not in re.findall(r"\w+", said(answer)) and "<form" not in answer.text
        assert client.get("/briefings/all-may-read").headers["X-Frame-Options"] == "SAMEORIGIN"
        for hidden in ("for-partners", "for-ourselves", "no-such-thing"):
            refused = client.get(f"/briefings/{hidden}/embed")
            assert refused.status_code == 404 and "matters" not in refused.text


def test_the_code_to_embed_is_offered_for_public_briefings_only(read_only):
    client = read_only.client("ann")
    assert "&lt;iframe" in client.get("/briefings/all-may-read").text
    assert "iframe" not in client.get("/briefings/for-partners").text


# ---- withdrawing --------------------------------------------------------------------------------------------------------


def test_a_withdrawn_briefing_is_gone_everywhere_at_once_with_the_reason(site):
    ann, public = site.client("ann"), site.client()
    for path in (*(path for path in PAGES if path != "/notes"), *FILES, "/embed"):  # everything is in memory now
        assert public.get(f"/briefings/all-may-read{path.format(id='all-may-read')}").status_code == 200, path
    assert ann.post("/briefings/all-may-read/withdraw", data={"reason": " "}).status_code == 422
    assert public.get("/briefings/all-may-read").status_code == 200
    done = ann.post("/briefings/all-may-read/withdraw", data={"reason": "A <b>wrong</b> map"})
    assert done.status_code == 303
    code = short_code(site.published, "all-may-read")
    for path in (*PAGES, *FILES, "/embed"):
        answer = public.get(f"/briefings/all-may-read{path.format(id='all-may-read')}")
        assert answer.status_code == 410, path
        assert "A &lt;b&gt;wrong&lt;/b&gt; map" in answer.text and "region.residents" not in answer.text
    assert public.get(f"/b/{code}").status_code == 410
    assert "Plum" not in public.get("/briefings").text
    assert ann.get("/briefings/all-may-read/history").status_code == 200  # to restore it
    assert ann.post("/briefings/all-may-read/restore", data={"to": "1", "reason": "It was right"}).status_code == 303
    assert public.get("/briefings/all-may-read").status_code == 200


def test_a_hidden_withdrawn_one_is_still_hidden(site):
    site.client("ann").post("/briefings/for-ourselves/withdraw", data={"reason": "Secret reason"})
    eve = site.client("eve")
    for path in ("", "/embed", "/history"):
        answer = eve.get(f"/briefings/for-ourselves{path}")
        assert answer.status_code == 404 and "Secret" not in answer.text
    assert eve.get(f"/b/{short_code(site.published, 'for-ourselves')}").status_code == 404


@pytest.mark.parametrize("person", ["public", "val", "eve", "vic"])
def test_only_its_own_analysts_and_admins_withdraw(site, person):
    client = site.client(person)
    answer = client.post("/briefings/all-may-read/withdraw", data={"reason": "Mischief"})
    assert answer.status_code in (303, 403)
    assert site.client().get("/briefings/all-may-read").status_code == 200
    hidden = client.post("/briefings/for-ourselves/withdraw", data={"reason": "Mischief"})
    twin = client.post("/briefings/for-ourselveq/withdraw", data={"reason": "Mischief"})
    if person != "vic":
        assert (hidden.status_code, hidden.text.replace("for-ourselves", "for-ourselveq")) == (
            twin.status_code,
            twin.text,
        )
    assert site.client("ann").get("/briefings/for-ourselves").status_code == 200


# ---- newer data ---------------------------------------------------------------------------------------------------------


def test_newer_data_is_told_and_what_would_change(site):
    public, ann = site.client(), site.client("ann")
    before = public.get("/briefings/all-may-read").text
    assert "Newer data" not in before
    site.store.publish(indicator("harm", title="Harm again", first=50.0), by=SYSTEM)
    text = said(public.get("/briefings/all-may-read"))
    assert "Newer data exists for one layer." in text and "See what would change" in text
    changes = public.get("/briefings/all-may-read/changes")
    assert changes.status_code == 200 and "Make the draft" not in changes.text
    changes = said(ann.get("/briefings/all-may-read/changes"))
    assert "would change" in changes and "Make the draft" in changes
    begun = ann.post("/briefings/edit", data={"from": "all-may-read"})
    again = ann.post("/briefings/edit", data={"from": "all-may-read"})
    assert begun.location == again.location  # one draft of a briefing, not two
    draft = begun.location.rpartition("/")[2]
    done = ann.post(f"/briefings/edit/{draft}/publish", data={"action": "publish", "note": "Newer numbers"})
    assert done.location == "/briefings/all-may-read?done=published"
    assert "Newer data" not in public.get("/briefings/all-may-read").text
    assert "This is version 1" in said(public.get("/briefings/all-may-read?version=1"))
    assert "Newer numbers" in said(public.get("/briefings/all-may-read/history"))
    side_by_side = said(public.get("/briefings/all-may-read/compare?a=1&b=2"))
    assert "The words are the same in both." in side_by_side and "Numbers that differ" in side_by_side


# ---- writing ------------------------------------------------------------------------------------------------------------


def edit(client, draft: str, **form):
    return client.post(f"/briefings/edit/{draft}", data=form)


def test_a_draft_from_nothing_to_a_published_briefing(site):
    ann = site.client("ann")
    begun = ann.post("/briefings/edit", data={"from": ""})
    draft = begun.location.rpartition("/")[2]
    assert "partner: westshire" in html.unescape(ann.get(begun.location).text)
    text = TEXT.format(title="Noise at night", audience="partners")
    assert edit(ann, draft, text=text, revision="1", action="save").status_code == 303
    moved = edit(ann, draft, text=text, revision="2", action="down:1")
    assert moved.location.endswith("?page=2")
    assert [part.headline[:4] for part in outline.parts_of(site.held.drafts.get(draft, site.viewer("ann")).text)] == [
        "Two ",
        "Harm",
    ]
    page = ann.get(f"/briefings/edit/{draft}/publish")
    assert "Every number and exhibit can be shown" in said(page)
    done = ann.post(
        f"/briefings/edit/{draft}/publish",
        data={"action": "publish", "revision": "3", "audience": "public", "briefing_id": "", "note": "First"},
    )
    assert done.location == "/briefings/westshire-noise-at-night?done=published"
    public = site.client().get("/briefings/westshire-noise-at-night")
    assert public.status_code == 200 and "13,600" in public.text  # 100 + 200 + … + 1,600
    assert ann.get(f"/briefings/edit/{draft}").status_code == 404
    assert "matters" not in said(site.client().get("/briefings/edit"))


def test_faults_are_told_by_page_and_line_and_stop_publication(site):
    ann = site.client("ann")
    text = TEXT.format(title="Wrong", audience="public").replace("layer=harm level=lsoa", "layer=nothing")
    draft = site.draft("ann", text, "wrong")
    refused = ann.post(f"/briefings/edit/{draft}/publish", data={"action": "publish"})
    assert refused.status_code == 422
    words = said(refused)
    assert "Page 1, line 9" in words and "nothing" in words and "Nothing was published." in words
    assert site.client().get("/briefings/wrong").status_code == 404
    preview = ann.post(f"/briefings/edit/{draft}/preview", data={"text": text, "line": "9"}).get_json()
    assert preview["faults"] == 1 and preview["lines"] == [9] and preview["page"] == 1
    # its author still sees the page: the rest of its words, what is wrong as it is written, the map
    assert "layer=nothing }}</mark>" in preview["html"] and "<svg" in preview["html"]
    lower = text.replace("partner:", "subtitle: x\npartner:").replace("# Two", "# {{ nothing }} two")
    both = ann.post(f"/briefings/edit/{draft}/preview", data={"text": lower, "line": "99"}).get_json()
    assert both["lines"] == [10, 21] and both["page"] == 2  # one line further down; the headline of page 2
    assert both["html"].count("<li><a") == 2
    assert ann.get(f"/briefings/edit/{draft}/look").status_code == 200


def test_the_preview_is_of_the_page_under_the_cursor(site):
    ann = site.client("ann")
    text = TEXT.format(title="Plum", audience="public")
    draft = site.draft("ann", text)
    first = ann.post(f"/briefings/edit/{draft}/preview", data={"text": text, "line": "10"}).get_json()
    assert (
        first["page"] == 1
        and "<svg" in first["html"]
        and "13,600" in first["html"]
        and "Say this slowly" in first["html"]
    )
    second = ann.post(f"/briefings/edit/{draft}/preview", data={"text": text, "line": "99"}).get_json()
    assert second["page"] == 2 and "<svg" not in second["html"] and "Two councils share it" in second["html"]
    assert re.findall(r'class="page-name"[^>]*>(.{4})', second["names"]) == ["Harm", "Two "]


def test_two_people_in_one_draft_both_keep_their_text(site):
    ann, bob = site.client("ann"), site.client("bob")
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"))
    assert edit(bob, draft, text="---\ntitle: Bob\n---\n# Of bob", revision="1", action="save").status_code == 303
    late = edit(ann, draft, text="---\ntitle: Ann\n---\n# Of ann", revision="1", action="save")
    assert late.status_code == 409
    words = said(late)
    assert "bob changed this draft" in words and "# Of bob" in words and "# Of ann" in words
    assert 'name="revision" value="2"' in late.text
    assert site.held.drafts.get(draft, site.viewer("ann")).text.endswith("# Of bob")
    quiet = ann.post(f"/briefings/edit/{draft}", data={"text": "# x", "revision": "1"}, headers={"X-Autosave": "1"})
    assert quiet.status_code == 409 and "bob" in quiet.get_json()["message"]
    assert edit(ann, draft, text="# Of ann", revision="2", action="save").status_code == 303
    saved = ann.post(f"/briefings/edit/{draft}", data={"text": "# y", "revision": "3"}, headers={"X-Autosave": "1"})
    assert saved.get_json() == {"revision": 4}


def test_pages_are_added_and_removed_with_what_was_typed(site):
    ann = site.client("ann")
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"))
    text = "---\ntitle: T\npartner: westshire\n---\n# One\n\nTyped just now.\n\n# Two\n"
    assert edit(ann, draft, text=text, revision="1", action="add:1").location.endswith("?page=2")
    kept = site.held.drafts.get(draft, site.viewer("ann")).text
    assert [part.headline for part in outline.parts_of(kept)] == ["One", "Say the one point of this page here", "Two"]
    assert "Typed just now." in kept
    edit(ann, draft, text=kept, revision="2", action="remove:2")
    assert [part.headline for part in outline.parts_of(site.held.drafts.get(draft, site.viewer("ann")).text)] == [
        "One",
        "Two",
    ]
    assert edit(ann, draft, text=text, revision="3", action="up:x").status_code == 303


def test_a_colleague_is_asked_and_confirms(site):
    ann, bob, vic = site.client("ann"), site.client("bob"), site.client("vic")
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"), "checked")
    assert vic.get(f"/briefings/edit/{draft}").status_code == 404
    nobody = ann.post(f"/briefings/edit/{draft}/publish", data={"action": "ask", "asked_of": "ann"})
    assert nobody.status_code == 422 and "wrote this text" in said(nobody)
    asked = ann.post(
        f"/briefings/edit/{draft}/publish", data={"action": "ask", "asked_of": "vic", "asked_note": "Is page 2 right?"}
    )
    assert asked.status_code == 303 and "vic is asked to check it" in said(ann.get(asked.location))
    assert ann.post(f"/briefings/edit/{draft}/check", data={"revision": "1"}).status_code == 403
    assert "Is page 2 right?" in vic.get("/briefings/edit").text
    assert vic.get(f"/briefings/edit/{draft}").location.endswith("/publish")
    page = vic.get(f"/briefings/edit/{draft}/publish")
    assert "I have checked it" in page.text and "briefing_id" not in page.text
    for path in ("look", "present"):
        answer = vic.get(f"/briefings/edit/{draft}/{path}")
        assert answer.status_code == 200 and "Say this slowly" not in answer.text  # the readers will not have it either
    assert vic.get(f"/briefings/edit/{draft}/notes").status_code == 404
    assert vic.post(f"/briefings/edit/{draft}", data={"text": "mine"}).status_code == 403
    assert vic.post(f"/briefings/edit/{draft}/publish", data={"action": "publish"}).status_code == 403
    kept = vic.post(f"/briefings/edit/{draft}/check", data={"revision": "1"})
    assert kept.status_code == 303 and "Your check is kept" in said(vic.get(kept.location))
    assert ann.post(f"/briefings/edit/{draft}/publish", data={"action": "publish"}).status_code == 303
    assert "Checked by vic" in said(bob.get("/briefings/checked"))
    # names of people are for the partnership
    assert "Checked by a colleague" in said(site.client().get("/briefings/checked"))


def test_drafts_of_others_do_not_exist(site):
    draft = site.draft("ann", TEXT.format(title="Medlar", audience="owner"))
    for person in ("eve", "val", "vic"):
        client = site.client(person)
        for path in ("", "/look", "/publish", "/present", "/notes"):
            answer = client.get(f"/briefings/edit/{draft}{path}")
            twin = client.get(f"/briefings/edit/{'0' * len(draft)}{path}")
            assert answer.status_code in (403, 404)
            assert (answer.status_code, answer.text) == (twin.status_code, twin.text), (person, path)
        assert "Medlar" not in client.get("/briefings/edit").text
    public = site.client()
    for path in ("/briefings/edit", f"/briefings/edit/{draft}", "/briefings/pin?view=need%3Dharm"):
        assert public.get(path).location.startswith("/sign-in?next=")
    assert site.client("vic").post("/briefings/edit", data={"from": ""}).status_code == 403


def test_a_text_that_speaks_for_another_partner_is_not_filled_in(site):
    """An analyst of Eastshire writes Westshire's name into a draft to see what only Westshire may see."""
    site.store.publish(
        indicator("own-debt", title="Bullacedebt", audience="owner", first=31_000.0), by=site.viewer("ann")
    )
    text = (
        TEXT.format(title="Trick", audience="owner")
        .replace("layer=harm", "layer=own-debt")
        .replace("need=harm", "need=own-debt")
    )
    draft = site.draft("eve", text)
    eve = site.client("eve")
    preview = eve.post(f"/briefings/edit/{draft}/preview", data={"text": text, "line": "9"}).get_json()
    for shown in (
        preview["html"],
        eve.get(f"/briefings/edit/{draft}/look").text,
        eve.get(f"/briefings/edit/{draft}/publish").text,
    ):
        assert "31,0" not in shown and "Bullace" not in shown
    assert preview["faults"] == 1 and "for whom you do not write" in preview["html"]
    assert eve.post(f"/briefings/edit/{draft}/publish", data={"action": "publish"}).status_code in (403, 422)
    mine = site.client("ann").post(
        f"/briefings/edit/{site.draft('ann', text)}/preview", data={"text": text, "line": "9"}
    )
    assert "31,01" in mine.get_json()["html"]  # 31,000 for T01, 31,015 for T16


def test_what_only_partners_may_see_cannot_stand_in_a_public_briefing(site):
    site.store.publish(
        indicator("shared-beds", title="Quincebeds", audience="partners", first=500.0), by=site.viewer("ann")
    )
    text = TEXT.format(title="Beds", audience="public").replace("layer=harm", "layer=shared-beds")
    draft = site.draft("ann", text, "beds")
    refused = site.client("ann").post(f"/briefings/edit/{draft}/publish", data={"action": "publish"})
    assert refused.status_code == 422 and "cannot stand in a public briefing" in said(refused)
    opened = site.client("ann").post(
        f"/briefings/edit/{draft}/publish", data={"action": "publish", "audience": "partners"}
    )
    assert opened.status_code == 303
    assert site.client().get("/briefings/beds").status_code == 404
    assert "Square 16" in site.client("val").get("/briefings/beds").text


# ---- hostile texts ------------------------------------------------------------------------------------------------------

HOSTILE = (
    "# <script>alert(1)</script>",
    "# x\n\n<img src=x onerror=alert(1)>",
    "# x\n\n[a](javascript:alert(1))",
    "# x\n\n![a](https://elsewhere.example/x.png)",
    "# x\n\n</textarea><script>alert(1)</script>",
    '# {{ region.name layer="<script>alert(1)</script>" }}',
    "# {{ '<script>alert(1)</script>' }}",
    "# x\n\n```exhibit\nmap\ncaption: <script>alert(1)</script>\nview: need=harm\n```",
    "# x\n\n```exhibit\nmap\nview: need=<script>alert(1)</script>\n```",
    "# {% raw %}{{ 7 * 7 }}",
)


@pytest.mark.parametrize("body", HOSTILE)
def test_nothing_hostile_is_executed_or_fetched(site, body):
    ann = site.client("ann")
    text = f"---\ntitle: '<script>alert(1)</script>'\npartner: westshire\n---\n{body}\n"
    draft = site.draft("ann", text, "hostile")
    pages = [ann.get(f"/briefings/edit/{draft}{path}") for path in ("", "/look", "/publish")]
    preview = ann.post(f"/briefings/edit/{draft}/preview", data={"text": text, "line": "5"})
    done = ann.post(f"/briefings/edit/{draft}/publish", data={"action": "publish"})
    pages += (
        [done]
        if done.status_code != 303
        else [site.client().get(f"/briefings/hostile{path}") for path in ("", "/present", "/embed")]
    )
    for shown in [*(page.text for page in pages), preview.get_json()["html"]]:
        assert "<script>alert" not in shown and "onerror=alert" not in shown.replace("&lt;img src=x onerror=alert", "")
        assert 'href="javascript:' not in shown and 'elsewhere.example/x.png"' not in shown
        assert shown.count("</textarea>") <= 1 or "f-theirs" in shown


def test_a_draft_larger_than_a_briefing_may_be_is_refused_and_the_old_text_kept(site):
    ann = site.client("ann")
    draft = site.draft("ann", "# small")
    answer = edit(ann, draft, text="x" * 250_000, revision="1", action="save")
    assert answer.status_code in (413, 422)
    assert site.held.drafts.get(draft, site.viewer("ann")).text == "# small"
    assert ann.post(f"/briefings/edit/{draft}/preview", data={"text": "x" * 3_000_000}).status_code == 413


POSTS = (
    "/briefings/edit", "/briefings/pin", "/briefings/all-may-read/withdraw", "/briefings/all-may-read/restore",
    "/briefings/edit/{d}", "/briefings/edit/{d}/preview", "/briefings/edit/{d}/publish", "/briefings/edit/{d}/check",
    "/briefings/edit/{d}/discard",
)  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_another_site_cannot_write(site, path):
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"))
    ann = site.client("ann")
    before = (len(site.held.drafts.list(site.viewer("ann"))), site.held.drafts.get(draft, site.viewer("ann")).revision)
    form = {"text": "# x", "reason": "x", "to": "1", "action": "publish", "from": "", "view": "need=harm"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        assert ann.post(path.format(d=draft), data=form, headers=headers).status_code == 403
    assert before == (
        len(site.held.drafts.list(site.viewer("ann"))),
        site.held.drafts.get(draft, site.viewer("ann")).revision,
    )
    assert site.client().get("/briefings/all-may-read").status_code == 200
    assert ann.get(path.format(d=draft)).status_code in (200, 303, 404, 405)  # reading changes nothing either


# ---- pinning ------------------------------------------------------------------------------------------------------------


def test_a_view_is_pinned_to_a_new_and_to_an_old_draft(site):
    ann = site.client("ann")
    came = ann.get("/briefings/pin", headers={"Referer": "http://localhost/?need=harm&area=T01&level=ward"})
    assert came.status_code == 303 and "view=need%3Dharm" in came.location
    assert ann.get("/briefings/pin", headers={"Referer": "https://elsewhere.example/?need=harm"}).location.endswith(
        "view="
    )
    page = ann.get(came.location)
    assert (
        page.status_code == 200 and 'value="need=harm&amp;level=ward"' in page.text
    )  # the area was one person's click
    new = ann.post(
        "/briefings/pin", data={"view": "need=harm&level=ward", "headline": "Harm is <b>high</b>\n# and more"}
    )
    draft = new.location.rpartition("/")[2].partition("?")[0]
    text = site.held.drafts.get(draft, site.viewer("ann")).text
    assert "view: need=harm&level=ward" in text and [part.headline for part in outline.parts_of(text)] == [
        "Harm is bhigh/b # and more"
    ]
    more = ann.post("/briefings/pin", data={"view": "need=harm", "draft": draft})
    assert more.location == f"/briefings/edit/{draft}?page=2"
    assert site.client("eve").post("/briefings/pin", data={"view": "need=harm", "draft": draft}).status_code == 404
    odd = ann.get("/briefings/pin?view=need%3D%3Cscript%3E%26colour%3Dred")
    assert odd.status_code == 200 and "<script>" not in odd.text.partition("<body>")[2].partition("briefing.js")[
        0
    ].replace("<script src", "")


def test_a_pinned_headline_may_hold_a_number_from_the_data():
    assert "# Only {{ gaps.areas }} areas\n" in page_of_view("need=harm", "Only {{ gaps.areas }} areas")


def test_what_was_told_on_an_earlier_page_is_not_told_again():
    """Pages 1 and 3 say the same, page 2 something else, page 4 nothing: 3 points to 1."""
    pages = [BriefingPage(n, limits=limits) for n, limits in ((1, ("a",)), (2, ("b",)), (3, ("a",)), (4, ()))]
    assert [draw.told_before(pages, page) for page in pages] == [0, 0, 1, 0]


def test_the_list_of_pages_says_what_headlines_say_once_filled(site):
    text = (
        TEXT.format(title="Plum", audience="public")
        + "\n# All {{ region.areas }} areas\n\nx\n\n# No {{ nothing }}\n\nx\n"
    )
    draft = site.draft("ann", text, "heads")
    names = re.findall(r'class="page-name"[^>]*>([^<]*)<', site.client("ann").get(f"/briefings/edit/{draft}").text)
    filled = len(site.published.region.areas["lsoa"])
    assert f"All {filled} areas" in names and "No {{ nothing }}" in names


def test_the_map_offers_to_pin_to_those_who_write(read_only):
    def layout(person: str) -> str:
        return read_only.client(person).get("/_dash-layout", headers={"Referer": "http://localhost/?need=harm"}).text

    offer = "Pin to a briefing"
    assert offer in layout("ann") and offer in layout("root")
    assert offer not in layout("vic") and offer not in layout("public")


# ---- the text as pages --------------------------------------------------------------------------------------------------

OUTLINE = "---\ntitle: A\n---\n\n# One\n```exhibit\nmap\n# no page\n```\n\nTwo\n===\nx\n\n# Three\ny"


def test_the_outline_sees_what_markdown_sees():
    assert [(part.headline, part.line) for part in outline.parts_of(OUTLINE)] == [
        ("One", 5),
        ("Two", 11),
        ("Three", 15),
    ]
    assert [outline.page_at(OUTLINE, line) for line in (1, 5, 10, 11, 15, 99)] == [1, 1, 1, 2, 3, 3]
    assert outline.parts_of("") == () and outline.page_at("", 3) == 0


def test_moving_keeps_every_page():
    names = ["One", "Two", "Three"]
    for number in (0, 1, 2, 3, 4):
        for by in (-2, -1, 1, 2):
            found = [part.headline for part in outline.parts_of(outline.move(OUTLINE, number, by))]
            assert sorted(found) == sorted(names)
            if 1 <= number <= 3 and 0 <= number - 1 + by < 3:
                assert found[number - 1 + by] == names[number - 1]
            else:
                assert found == names
    assert "# no page" in outline.move(OUTLINE, 1, 2)
    assert [part.headline for part in outline.parts_of(outline.remove(OUTLINE, 2))] == ["One", "Three"]


@pytest.mark.parametrize(
    "value", ["public", "A: b", 'He said "no"', "# 1", "-", "", "2026-01-01", "[x]", "a #b", "{{x}}"]
)
def test_a_setting_is_read_back_as_it_was_given(value):
    from dashboard.briefings.writing.outline import with_setting
    from layers import read_briefing

    text = "---\ntitle: A\nsubtitle: old\npartner: p\n---\n# One\n"
    assert read_briefing(with_setting(text, "subtitle", value)).subtitle == value


def test_a_format_is_one_row_and_its_function(site, monkeypatch):
    row = BriefingFormat("txt", "Plain text", "To be read aloud", "text/plain; charset=utf-8", "contents:as_text")
    monkeypatch.setitem(FORMATS, "txt", row)
    monkeypatch.setattr(contents, "as_text", lambda briefing, *, address: briefing.title.encode(), raising=False)
    page = site.client().get("/briefings/all-may-read").text
    assert (
        'href="/briefings/all-may-read/files/all-may-read.txt" download>Plain text<small>To be read aloud</small>'
        in page
    )
    answer = site.client().get("/briefings/all-may-read/files/all-may-read.txt")
    assert (answer.status_code, answer.text, answer.content_type) == (200, "Plum matters", row.media_type)
    assert 'filename="all-may-read.txt"' in answer.headers["Content-Disposition"]
    assert site.client().get("/briefings/all-may-read/files/all-may-read.odt").status_code == 404
    with pytest.raises(Refused) as refused:
        export_briefing(find(site.published, "all-may-read", PUBLIC).briefing, "odt")
    assert "txt" in str(refused.value.faults[0])


# ---- nothing is lost -----------------------------------------------------------------------------------------------------------


def test_who_was_signed_out_while_writing_gets_the_words_back(site):
    draft = site.draft("ann", TEXT.format(title="Mine", audience="owner"))
    stranger = site.client()
    answer = stranger.post(f"/briefings/edit/{draft}", data={"text": "My <words>", "revision": "1", "action": "save"})
    assert answer.status_code == 401 and "My &lt;words&gt;" in answer.text
    assert f"/sign-in?next=/briefings/edit/{draft}" in answer.text
    told = stranger.post(f"/briefings/edit/{draft}", data={"text": "x"}, headers={"X-Autosave": "1"})
    assert told.status_code == 401 and told.get_json()["sign_in"] == f"/sign-in?next=/briefings/edit/{draft}"
    assert "My &lt;words" not in site.client("ann").get(f"/briefings/edit/{draft}").text


def test_a_picker_tells_nothing_of_what_the_writer_may_not_see(site):
    """A text that speaks for another partner is offered what everybody may see, and no more."""
    theirs = "---\ntitle: x\npartner: eastshire\naudience: owner\n---\n# x\n"
    hidden = indicator("east-only", title="Bullacesecret", partner="eastshire", audience="owner")
    site.store.publish(hidden, by=site.viewer("eve"))
    draft, ann, eve = site.draft("ann", theirs), site.client("ann"), site.client("eve")
    assert "Bullacesecret" not in said(ann.get(f"/briefings/edit/{draft}"))
    asked = {"text": theirs, "at": "0", "kind": "token", "what": "layer.title", "layer": "east-only"}
    assert "Bullacesecret" not in said(ann.post(f"/briefings/edit/{draft}/pick", data=asked))
    own = site.draft("eve", theirs)
    assert eve.post(f"/briefings/edit/{own}/pick", data=asked).get_json()["says"] == "Bullacesecret"
    for path in ("pick", "pictures"):
        assert eve.post(f"/briefings/edit/{draft}/{path}", data=asked).status_code == 404
    assert eve.get(f"/briefings/edit/{draft}/areas?q=a").status_code == 404


def test_a_picture_without_scripts_stands_on_the_last_page(site):
    from io import BytesIO

    from PIL import Image

    made = BytesIO()
    Image.new("RGB", (40, 30), "#336699").save(made, "PNG")
    draft = site.draft("ann", TEXT.format(title="Bridges", audience="owner"))
    ann = site.client("ann")
    answer = ann.post(
        f"/briefings/edit/{draft}/pictures",
        data={"picture": (BytesIO(made.getvalue()), "a.png"), "alt": "A bridge {{ made }}"},
    )
    assert answer.status_code == 303 and answer.location.endswith("?page=2")
    shown = ann.get(f"/briefings/edit/{draft}?page=2").text
    picture_id = re.search(r"picture: ([0-9a-f]{20})", shown)[1]
    assert "alt: A bridge  made" in shown and "data:image/png" in shown
    got = ann.get(f"/briefings/edit/{draft}/pictures/{picture_id}")
    assert got.mimetype == "image/png" and got.headers["Content-Security-Policy"] == "default-src 'none'"
    assert site.client().get(f"/briefings/edit/{draft}/pictures/{picture_id}").status_code == 303
    assert site.client("eve").get(f"/briefings/edit/{draft}/pictures/{picture_id}").status_code == 404
    for data in ({"alt": "x"}, {"picture": (BytesIO(b"<svg onload='x()'/>"), "a.svg"), "alt": "A picture"}):
        assert ann.post(f"/briefings/edit/{draft}/pictures", data=data).status_code == 422
