"""Attacks on briefings: texts that take minutes or break the reader, files kept too long, questions without end, many at once.

Who may read what at each address stands in test_briefing_web; what a token may say in test_briefing_facts.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.briefings import sources
from dashboard.briefings.files import wards as wards_as_files
from dashboard.briefings.filling import asking
from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.filling.exhibits import EXHIBIT_HELP, figure
from dashboard.briefings.web import pages, presenting
from dashboard.briefings.writing import outline
from layers import PUBLIC, SYSTEM, ExhibitSpec, Refused, load_region, read_briefing
from layers.methods.travel import read_travel_file
from layers.reading.briefing_text import MOST_FAULTS
from tests.dashboard.briefings.test_web import TEXT, Site, said
from tests.layers.store_fixtures import indicator

FRONT = "---\ntitle: T\npartner: westshire\n---\n"


@pytest.fixture
def site(tiny_region, tmp_path):
    made = Site(tiny_region, tmp_path)
    for name, role, partner in (
        ("ann", "analyst", "westshire"),
        ("vic", "viewer", "westshire"),
        ("eve", "analyst", "eastshire"),
    ):
        made.store.accounts.add_user(name, role=role, partner=partner, by=SYSTEM)
    yield made
    made.store.close()


def refused(text: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        read_briefing(text)
    return [fault.rule for fault in caught.value.faults]


# ---- texts that break or stop the reader ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [
        "view: " + "[" * 2000 + "]" * 2000,  # deeper than Python can follow
        "view: " + "[" * 5000,
        "\n".join(" " * depth + "a:" for depth in range(100)),
        "view: !!timestamp 2020-13-45",  # what YAML makes of a tag may raise anything
        "view: !!int abc",
        "view: !!float x",
        "view: !!bool maybe",
        "? [a]\n: b",
        'subtitle: "a\\0b"',  # written as signs that anybody may write, it is a character that no file holds
        'subtitle: "a\\u202eb"',
        'subtitle: "a\\ud800b"',
    ],
)
def test_no_front_matter_breaks_the_reader(setting):
    assert refused(f"---\ntitle: T\npartner: westshire\n{setting}\n---\n# One\n")[0] in (
        "front-matter",
        "control-character",
    )


@given(st.text(alphabet="ab:-!&*[]{}#|>'\"\\?,%@` \n0u", max_size=120))
def test_any_front_matter_is_read_or_refused(front):
    try:
        document = read_briefing(f"---\ntitle: T\npartner: p\n{front}\n---\n# One\n")
    except Refused:
        return
    assert all(isinstance(one.encode(), bytes) for one in (document.title, document.subtitle, document.view))


def test_a_setting_that_stands_twice_is_refused():
    """The one that a person reads first would be another than the one that counts: audience, of all."""
    text = "---\ntitle: T\npartner: westshire\naudience: owner\n'audience': public\n---\n# One\n"
    assert refused(text) == ["front-matter"]


@pytest.mark.parametrize(
    "body",
    [
        "{{" * 95_000,
        "{{\n" * 60_000,
        "{{a}}" * 38_000,
        "# a\n" * 45_000,
    ],
)
def test_a_text_of_nothing_but_signs_ends_soon(body):
    """Each of these took minutes, or seconds and as many faults as signs; the bound is for a slow machine."""
    begun = time.process_time()
    assert len(refused(f"{FRONT}# One\n\n{body}")) <= MOST_FAULTS
    assert time.process_time() - begun < 20


def test_ten_thousand_settings_are_not_looked_at():
    begun = time.process_time()
    assert refused("---\n" + "\n".join(f"k{n}: x" for n in range(15_000)) + "\n---\n# One\n")[0] == "front-matter"
    assert time.process_time() - begun < 5


def test_a_hostile_draft_can_still_be_opened_and_harms_nobody_elses_list(site):
    ann, vic = site.client("ann"), site.client("vic")
    draft = site.draft("ann", TEXT.format(title="Plum", audience="partners"))
    asked = ann.post(f"/briefings/edit/{draft}/publish", data={"action": "ask", "asked_of": "vic"})
    assert asked.status_code == 303
    for text in (
        f"---\ntitle: T\npartner: westshire\nview: {'[' * 3000}{']' * 3000}\n---\n# One\n",
        FRONT.replace("T", "!!int x"),
    ):
        site.held.drafts.change(
            draft, site.viewer("ann"), site.held.drafts.get(draft, site.viewer("ann")).revision, text
        )
        assert vic.get("/briefings/edit").status_code == 200
        assert ann.get("/briefings/edit").status_code == 200
        assert ann.get(f"/briefings/edit/{draft}").status_code == 200


def test_a_text_that_is_too_large_is_not_read_before_it_is_refused(site):
    """Half a megabyte of brackets takes Markdown fifteen seconds, several times in a request."""
    ann, begun = site.client("ann"), time.process_time()
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"))
    text = f"{FRONT}# One\n\n{'[' * 400_000}"
    assert (
        ann.post(f"/briefings/edit/{draft}", data={"text": text, "revision": "1", "action": "add:1"}).status_code == 422
    )
    assert ann.post(f"/briefings/edit/{draft}/preview", data={"text": text, "line": "9"}).status_code == 200
    assert time.process_time() - begun < 5


# ---- comparing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n" * 90_000 + "a", "b\n" + "\n" * 90_000),
        ("x\ny\n" * 40_000, "y\nx\n" * 40_000),
        # 300 different lines: each too seldom for difflib to leave it out, and together 8 million pairs, again and again
        ("\n".join(str(n % 300) for n in range(50_000)), "\n".join(str(n * 7 % 300) for n in range(50_000))),
    ],
)
def test_texts_that_are_all_alike_are_compared_soon(before, after):
    """Whoever may read two versions may compare them."""
    begun = time.process_time()
    found = outline.differences(before, after)
    assert 0 < len(found) <= outline.MOST_DIFFERENT + 1
    assert time.process_time() - begun < 20


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
def test_what_was_taken_out_and_put_in_makes_one_text_of_the_other(a, b):
    for most in (outline._MOST_PAIRS, -1):  # matched by difflib, and cut at the first and last lines that differ
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outline, "_MOST_PAIRS", most)
            found = outline.differences("\n".join(a), "\n".join(b), around=99)
        if "\n".join(a) == "\n".join(b):
            assert found == []
            continue
        assert [line for kind, _, line in found if kind in ("out", "same")] == "\n".join(a).split("\n")
        assert [line for kind, _, line in found if kind in ("in", "same")] == "\n".join(b).split("\n")
        for kind, number, line in found:
            assert ("\n".join(a) if kind == "out" else "\n".join(b)).split("\n")[number - 1] == line


# ---- files that are kept --------------------------------------------------------------------------------------------------


def test_a_layer_withdrawn_while_a_file_is_made_is_in_no_file_afterwards(site, monkeypatch):
    """The file of before was kept as that of the newest state, and given to everybody until the next change."""
    ann, public = site.client("ann"), site.client()
    site.store.publish(indicator("plums", title="Plumwine", first=31_000.0), by=SYSTEM)
    text = (
        TEXT.format(title="Plum", audience="public")
        .replace("layer=harm", "layer=plums")
        .replace("need=harm", "need=plums")
    )
    site.publish("ann", text, "of-plums")
    find, once = pages.find, []

    def find_then_withdraw(*given):
        found = find(*given)
        if not once:
            once.append(site.store.withdraw("plums", by=SYSTEM, reason="Wrong"))
        return found

    monkeypatch.setattr(pages, "find", find_then_withdraw)
    for path in ("files/x.html", "exhibits/1.svg"):
        public.get(f"/briefings/of-plums/{path}")  # may still hold it: it was asked for before
        after = public.get(f"/briefings/of-plums/{path}")
        assert "31,000" not in after.text and "Plumwine</text>" not in after.text, path
        assert after.status_code in (200, 404)
    assert ann.get("/briefings/of-plums").status_code == 200


def test_a_file_of_the_pack_that_is_rewritten_is_not_served_as_it_was(site, tmp_path, monkeypatch):
    """What stood in it for partners must not be in the file that the public gets of what was left of it."""
    now = {"text": TEXT.format(title="Quince", audience="partners").replace("One point", "Mulberry point")}
    monkeypatch.setattr(sources, "_pack_files", lambda folder: {"of-the-pack": read_briefing(now["text"])})
    address = "/briefings/of-the-pack/files/x.html"
    assert "Mulberry" in site.client("eve").get(address).text
    assert site.client().get(address).status_code == 404
    now["text"] = TEXT.format(title="Quince", audience="public")
    shown = site.client().get(address)
    assert shown.status_code == 200 and "Mulberry" not in shown.text


# ---- publishing -----------------------------------------------------------------------------------------------------------


def test_numbers_that_nobody_looked_at_are_not_published(site):
    """A layer is published anew between the page that shows the numbers and the button."""
    ann = site.client("ann")
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"))
    address = f"/briefings/edit/{draft}/publish"
    form = {"action": "publish", "briefing_id": "looked-at"}

    def seen() -> str:
        return re.search(r'name="seen" value="(\w+)"', ann.get(address).text)[1]

    before = seen()
    site.store.publish(indicator("harm", title="Harm again", first=50.0), by=SYSTEM)
    late = ann.post(address, data=form | {"seen": before})
    assert late.status_code == 422 and "Newer figures were published" in said(late)
    assert site.client().get("/briefings/looked-at").status_code == 404
    assert ann.post(address, data=form | {"seen": seen()}).status_code == 303


def test_nobody_hides_what_the_pack_brings_for_another_partner(tiny_pack, tmp_path):
    """A briefing that is published under the id of one in the region pack is shown in its place."""
    text = TEXT.format(title="Official", audience="public")
    pack = shutil.copytree(tiny_pack, tmp_path / "pack")
    (pack / "briefings").mkdir(exist_ok=True)
    (pack / "briefings" / "official.md").write_text(text, "utf-8")
    site = Site(load_region(pack), tmp_path)
    for name, partner in (("ann", "westshire"), ("eve", "eastshire")):
        site.store.accounts.add_user(name, role="analyst", partner=partner, by=SYSTEM)
    assert "Official" in site.client().get("/briefings/official").text
    draft = site.draft("eve", text.replace("Official", "Plum").replace("westshire", "eastshire"))
    form = {"action": "publish", "briefing_id": "official"}
    taken = site.client("eve").post(f"/briefings/edit/{draft}/publish", data=form)
    assert taken.status_code == 422 and "cannot be had" in said(taken)
    assert "Official" in site.client().get("/briefings/official").text
    site.publish("ann", text.replace("Official", "Newer"), "official")  # its own partner may
    assert "Newer" in site.client().get("/briefings/official").text
    site.store.close()


def test_nobody_publishes_what_looks_like_a_wards_page(site):
    draft = site.draft("ann", TEXT.format(title="Plum", audience="public"))
    form = {"action": "publish", "briefing_id": "ward-TW1"}  # the form makes small letters of it
    assert site.client("ann").post(f"/briefings/edit/{draft}/publish", data=form).status_code == 422
    assert site.client().get("/briefings/ward-tw1").status_code == 404


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "{path}"), OSError("cannot open {path}"), AssertionError()]
)
def test_a_travel_table_that_cannot_be_read_names_no_folder(tmp_path, monkeypatch, error):
    def fail(path):
        error.args = tuple(arg.format(path=path) if isinstance(arg, str) else arg for arg in error.args)
        raise error

    monkeypatch.setattr(pd, "read_parquet", fail)
    with pytest.raises(Refused) as caught:
        read_travel_file(tmp_path / "bus.parquet")
    assert str(tmp_path) not in str(caught.value.faults) and caught.value.faults[0].what


class Recorder:
    """A store that remembers whose figures were read."""

    def __init__(self, store):
        self.store, self.read = store, set()

    def __getattr__(self, name):
        method = getattr(self.store, name)
        if name not in ("values", "services", "original"):
            return method

        def read(layer_id, *given, **more):
            self.read.add(layer_id)
            return method(layer_id, *given, **more)

        return read


@pytest.mark.parametrize("kind", [kind for kind in EXHIBIT_HELP if kind != "picture"])
def test_every_layer_whose_figures_an_exhibit_reads_is_pinned_with_it(demo, kind):
    """One that is read but not pinned would change under a published briefing, and stay in it after it is withdrawn."""
    if kind == "options":
        pytest.skip("its pins are those of its gaps")
    help_ = EXHIBIT_HELP[kind]
    given = {"type": help_.type} if help_.type else {}
    if kind in ("chart authorities", "chart trend", "chart worst", "chart distribution", "table worst"):
        given["layer"] = "alcohol-admissions"
    view = "need=alcohol-admissions=2,higher-risk-drinking&services=alcohol-drug-services&show=gap&group=child-poverty"
    here = replace(demo, store=Recorder(demo.store))
    found = figure(here, ExhibitSpec(help_.kind, given, 1), PUBLIC, view)
    assert here.store.read <= {layer_id for layer_id, _ in found.layers}
    assert here.store.read


# ---- many at once ---------------------------------------------------------------------------------------------------------


def test_a_file_that_takes_long_holds_no_request_and_is_there_when_asked_for_again(site, monkeypatch):
    go, made = threading.Event(), []

    def slow(*_, **__):
        made.append(go.wait(30))
        return b"file"

    monkeypatch.setattr(wards_as_files, "export_found", slow)
    monkeypatch.setattr(site.published.jobs, "wait_s", 0.05)
    wards = site.published.region.areas["ward"]["code"].tolist()
    address = f"/briefings/ward-{wards[0]}/files/x.pdf"
    try:
        for _ in range(2):
            page = site.client().get(address)
            assert page.status_code == 202 and "asks again by itself" in page.get_data(as_text=True)
            assert (
                page.headers["Refresh"] == page.headers["Retry-After"] and page.headers["Cache-Control"] == "no-store"
            )
        assert site.client().get("/briefings").status_code == 200
    finally:
        go.set()
    monkeypatch.setattr(site.published.jobs, "wait_s", 30.0)
    found = site.client().get(address)
    assert (found.status_code, found.data, made) == (200, b"file", [True])


def test_the_same_page_asked_for_by_many_is_made_once(site, monkeypatch):
    made = []

    def count(*given, **more):
        made.append(given)
        time.sleep(0)  # lets the others in
        return build_briefing(*given, **more)

    monkeypatch.setattr(sources, "build_briefing", count)
    threads = [threading.Thread(target=lambda: site.client().get("/briefings/shared-gaps")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 1


def test_a_briefing_has_a_bound_on_its_questions(site, monkeypatch):
    monkeypatch.setattr(asking, "MOST_QUESTIONS", 2)
    tokens = [f'{{{{ gaps.areas view="need=harm&services=clinics&max_m={most}" }}}}' for most in (1000, 1100, 1200)]
    text = TEXT.format(title="Plum", audience="public").replace("One point a page.", " ".join(tokens))
    with pytest.raises(Refused) as caught:
        build_briefing(site.published, read_briefing(text), briefing_id="x")
    assert "more than 2 different questions" in str(caught.value.faults[0].what), caught.value.faults


# ---- links ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view", ["need=harm&level=lsoa", "/?need=harm&level=lsoa", "https://elsewhere.example/x?need=harm&level=lsoa"]
)
def test_the_live_map_of_a_presentation_is_this_sites_own(site, view):
    text = TEXT.format(title="Plum", audience="public").replace("review_on: 2027-01-31", f'view: "{view}"')
    briefing = build_briefing(site.published, read_briefing(text), briefing_id="x")
    assert presenting.explore_link(briefing) == "/?need=harm&level=lsoa"
