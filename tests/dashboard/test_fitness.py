"""What a list cannot carry is said nowhere: every answer about a sample is asked for, by every door, and searched."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from datetime import date

import docx
import openpyxl
import pptx
import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from dashboard.app import create_app
from dashboard.briefings.files.formats import export_briefing
from dashboard.briefings.filling.build import build_briefing, fill_in
from dashboard.briefings.filling.questions import questions
from dashboard.briefings.writing.drafting import preview
from dashboard.briefings.writing.starters import GAPS, starter_text, starters
from dashboard.cli import main
from dashboard.components.answer import answer
from dashboard.components.confidence import confidence_strip
from dashboard.exports import write
from dashboard.map_files import Shapes
from dashboard.pages import community as community_page
from dashboard.selection import Selection
from dashboard.views import cautions as said
from dashboard.views import gaps as view
from dashboard.views.cautions import WORDS, caution_list, cautions_of
from dashboard.views.claims import Claims, counts_people
from dashboard.views.confidence import rows_of_gaps
from dashboard.views.values import values_export
from layers import CAUTION_CODES, PUBLIC, SYSTEM, Layer, read_briefing
from layers.model import AccessStandard, Completeness, Descriptor, Kind, Position
from tests.tiny import write_tiny_pack

FORBIDDEN = re.compile(r"\b(firm|proven|likely)\b", re.IGNORECASE)
ASKED = {"need": "crowded", "services": "clinics"}
LINES = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9“])|\n")


def pack_with(folder, **ours):
    """Tinyland whose list of clinics says this of itself."""
    pack = write_tiny_pack(folder / "pack")
    file = pack / "layers" / "clinics" / "datapackage.json"
    document = json.loads(file.read_text("utf-8"))
    document["commonground"] |= ours
    file.write_text(json.dumps({**document}), "utf-8")
    (pack / "manifest.json").unlink(missing_ok=True)
    return pack


@pytest.fixture(scope="module")
def sampled(serve, tmp_path_factory):
    return serve(pack_with(tmp_path_factory.mktemp("sample"), completeness="sample", position="postcode"))


@pytest.fixture(scope="module")
def uncounted(serve, tmp_path_factory):
    return serve(pack_with(tmp_path_factory.mktemp("uncounted"), fit_for=["gaps", "ranking"]))


@pytest.fixture(scope="module")
def unranked(serve, tmp_path_factory):
    return serve(pack_with(tmp_path_factory.mktemp("unranked"), fit_for=["gaps", "counts"]))


@pytest.fixture(scope="module")
def unfit(serve, tmp_path_factory):
    return serve(pack_with(tmp_path_factory.mktemp("unfit"), fit_for=["counts"]))


def client_of(published):
    return create_app(published, "a key for the tests only").server.test_client()


def texts(tree) -> list[str]:
    """Every text of a JSON document, and of the columns of a CSV."""
    if isinstance(tree, dict):
        return [text for name, value in tree.items() if name not in ("parameters", "layers") for text in texts(value)]
    if isinstance(tree, list):
        return [text for value in tree for text in texts(value)]
    return [tree] if isinstance(tree, str) else []


def words_of(component) -> list[str]:
    """All the texts of a component, each as it stands on the page."""
    if component is None:
        return []
    if isinstance(component, str | int | float):
        return [str(component)]
    if isinstance(component, list | tuple):
        return [text for part in component for text in words_of(part)]
    return words_of(getattr(component, "children", None)) + words_of(getattr(component, "title", None))


def check(found, *, people=True) -> None:
    """No text calls anything certain, and none counts people without saying of how many sites."""
    for text in found:
        assert not FORBIDDEN.search(text), text
        for sentence in LINES.split(text):
            if people and re.search(r"\d[\d,]* (of [\d,]+ )?(residents?|people)\b", sentence):
                assert "in this sample of 2 sites" in sentence, sentence


API = (
    "/api/v1/gaps?need=crowded&services=clinics&robustness=50",
    "/api/v1/gaps?need=harm&services=clinics&level=ward&robustness=50",
    "/api/v1/gaps?need=crowded&services=clinics&robustness=50&format=geojson",
    "/api/v1/together?need=crowded&services=clinics",
    "/api/v1/together?services=clinics&format=geojson",
    "/api/v1/sites?need=crowded&services=clinics&new=1",
    "/api/v1/sites?need=crowded&services=clinics&new=2&objective=p-median&exact=no",
    "/api/v1/sites?need=crowded&services=clinics&objective=lscp&format=geojson",
    "/data/options.json?need=crowded&services=clinics&show=gap&options=A~One~o0-0",
)


@pytest.mark.parametrize("address", API)
def test_no_answer_of_the_api_is_surer_than_the_list(sampled, address):
    response = client_of(sampled).get(address)
    assert response.status_code == 200, response.text
    document = response.get_json()
    check(texts({name: value for name, value in document.items() if name not in ("cautions", "confidence", "note")}))
    codes = [(one["code"], one["layer"]) for one in document["cautions"]]
    expected = [
        ("sample", "clinics"),
        ("position", "clinics"),
        ("straight-line", "clinics"),
        ("assumed-standard", "clinics"),
    ]
    assert [pair for pair in codes if pair[0] not in ("stale",)] == expected
    assert all(one["words"].endswith(".") for one in document["cautions"])
    assert "stability_words" not in str(document) or not re.search(r"'stability_words': '[a-z]", str(document))
    assert "'proven': True" not in str(document)


@pytest.mark.parametrize(
    "address",
    (
        "/api/v1/gaps?need=crowded&services=clinics&robustness=50&format=csv",
        "/api/v1/together?services=clinics&format=csv",
        "/api/v1/layers/crowded/values?level=lsoa&format=csv",
        "/data/table.csv?need=crowded&services=clinics&show=gap",
        "/data/table.csv?need=crowded",
        "/data/table.csv?need=crowded=2,harm=1",
        "/data/options.csv?need=crowded&services=clinics&show=gap&options=A~One~o0-0",
    ),
)
def test_cautions_are_the_last_column_of_every_csv(sampled, address):
    response = client_of(sampled).get(address)
    assert response.status_code == 200, response.text
    rows = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))
    head = next(n for n, row in enumerate(rows) if row and row[-1] == "cautions")
    assert rows[head + 1 :]
    if "clinics" in address:
        assert {row[-1].split(";")[0] for row in rows[head + 1 :]} == {"sample"}
        check([cell for row in rows for cell in row if " " in cell and "cautions" not in row])
    else:
        assert len({row[-1] for row in rows[head + 1 :]}) == 1


@pytest.mark.parametrize("form", ("table", "json", "csv"))
@pytest.mark.parametrize("command", (["gaps"], ["together"], ["site", "--new", "1"]))
def test_no_command_is_surer_than_the_list(sampled, monkeypatch, command, form):
    if command[0] == "site" and form == "csv":
        pytest.skip("plans come as JSON and GeoJSON")
    monkeypatch.setenv("COMMONGROUND_REGION", str(sampled.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(sampled.home / "commands"))
    more = ["--robustness", "50"] if command[0] == "gaps" else []
    ran = CliRunner().invoke(main, [*command, "--need", "crowded", "--services", "clinics", *more, "--format", form])
    assert ran.exit_code == 0, ran.output
    if form == "json":
        document = json.loads(ran.stdout)
        assert next(one["code"] for one in document["cautions"]) == "sample"
        check(texts({name: value for name, value in document.items() if name not in ("cautions", "confidence")}))
    elif form == "csv":
        rows = list(csv.reader(io.StringIO(ran.stdout)))
        assert rows[0][-1] == "cautions" and all(row[-1].startswith("sample;") for row in rows[1:])
        check([cell for row in rows for cell in row])
    else:
        check(ran.stdout.split("\n"))
        assert "This is a sample, not a register" in ran.stdout


def test_no_page_is_surer_than_the_list(sampled):
    chosen = Selection(**{**ASKED, "services": ("clinics",)}, show="gap", overlays=("near", "vanish", "rings"))
    shown = answer(sampled, chosen, PUBLIC)
    found = [
        *words_of(shown.headline),
        *words_of(shown.legend),
        shown.sentence,
        shown.table_sentence,
        *words_of(shown.top),
        *words_of(shown.said),
        *words_of(shown.trust),
        *words_of(shown.steps),
    ]
    assert any("in this sample of 2 sites" in text for text in found) and "Sample" in found
    check([text for text in found if not text.startswith(("This is a sample", "Alcohol clinics:"))])
    gaps = view.gaps_of(sampled, chosen, PUBLIC)
    query = {**dict(part.split("=") for part in chosen.query_string().split("&")), "site": "best"}
    shapes = Shapes(sampled)
    page = words_of(community_page.layout(sampled, query, PUBLIC, shapes=shapes, community=gaps.cards[0].id))
    assert "Sample" in page
    check(page)


def _starter(published, theme):
    text = starter_text(published, f"{GAPS}{theme}")
    return build_briefing(published, read_briefing(text), briefing_id=f"{GAPS}{theme}", made_on=date(2026, 11, 30))


@pytest.mark.parametrize("form", ("html", "docx", "pptx", "pdf"))
def test_no_file_of_a_briefing_is_surer_than_the_list(demo, form):
    sample = [q for q in questions(demo, PUBLIC) if q.services.descriptor.completeness == "sample"]
    assert sample and f"{GAPS}{sample[0].theme.id}" in [one.id for one in starters(demo)]
    content = export_briefing(_starter(demo, sample[0].theme.id), form)
    if form == "html":
        text = re.sub(r"<[^>]+>", "\n", content.decode().split("<body", 1)[-1])
    elif form == "docx":
        document = docx.Document(io.BytesIO(content))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        text = "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])
    elif form == "pptx":
        slides = pptx.Presentation(io.BytesIO(content)).slides
        text = "\n".join(
            paragraph.text
            for slide in slides
            for frame in [
                *(shape.text_frame for shape in slide.shapes if shape.has_text_frame),
                slide.notes_slide.notes_text_frame,
            ]
            for paragraph in frame.paragraphs
        )
    else:
        text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert not re.search(r"\b(firm|proven)\b", text, re.IGNORECASE), form
    assert "in this sample of" in " ".join(text.split())
    assert "a sample, not a register" in " ".join(text.split())


def test_of_a_register_everything_is_said_as_before(demo):
    text = " ".join(
        run.text
        for page in _starter(demo, "alcohol").pages
        for block in page.blocks
        for item in block.items
        for run in item
    )
    assert "firm" in text and "in this sample" not in text


# ---- what a layer is fit for ------------------------------------------------------------------------------------------


def test_without_gaps_a_list_is_refused_with_words_and_shown_before_it_is_chosen(unfit, monkeypatch):
    client = client_of(unfit)
    for address in ("/api/v1/gaps?need=crowded&services=clinics", "/api/v1/together?services=clinics",
                    "/api/v1/sites?need=crowded&services=clinics&new=1"):  # fmt: skip
        response = client.get(address)
        assert response.status_code == 400
        assert (
            "'Alcohol clinics' is not fit for finding gaps" in response.text and "counting people only" in response.text
        )
    monkeypatch.setenv("COMMONGROUND_REGION", str(unfit.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(unfit.home / "commands"))
    ran = CliRunner().invoke(main, ["gaps", "--need", "crowded", "--services", "clinics"])
    assert ran.exit_code == 1 and "not fit for finding gaps" in ran.stderr
    from dashboard.views.offer import as_catalogue, valid_selection

    (offered,) = [one for one in as_catalogue(unfit, PUBLIC)["layers"] if one["id"] == "clinics"]
    assert offered["title"] == "Alcohol clinics: not for gaps"
    chosen, notices = valid_selection(unfit, Selection(need="crowded", services=("clinics",), show="gap"), PUBLIC)
    assert chosen.show == "need" and "not fit for finding gaps" in notices[0]
    assert not [question for question in questions(unfit, PUBLIC) if question.services.id == "clinics"]


def test_without_counts_no_number_of_people_is_said(uncounted):
    client = client_of(uncounted)
    for address in (API[0], *API[2:8]):
        document = client.get(address).get_json()
        for text in texts({k: v for k, v in document.items() if k not in ("cautions", "confidence", "areas")}):
            assert not re.search(r"\d[\d,]* (of [\d,]+ )?(residents?|people)\b", text), text
        if "/gaps" in address:
            assert document["summary"]["underserved_areas"] and document["summary"]["underserved_residents"] is None
            assert {one["population"] for one in document["communities"]} == {None}
            assert re.search(
                r"\d small areas? (is|are) underserved|\d wards? (is|are)|No ", document["summary"]["sentence"]
            )
    chosen = Selection(need="crowded", services=("clinics",), show="gap")
    shown = answer(uncounted, chosen, PUBLIC)
    for text in [*words_of([shown.headline, shown.top, shown.said, shown.trust]), shown.sentence]:
        assert not re.search(r"\d[\d,]* (of [\d,]+ )?(residents?|people)\b", text), text


def test_without_ranking_there_is_no_order_and_no_first(unranked):
    gaps = view.gaps_of(unranked, Selection(need="crowded", services=("clinics",), show="gap"), PUBLIC)
    assert [card.name for card in gaps.cards] == sorted(card.name for card in gaps.cards)
    document = client_of(unranked).get(API[0]).get_json()
    assert not re.search(r"\b(largest|first|most|worst)\b", document["summary"]["sentence"])


# ---- the table of cautions --------------------------------------------------------------------------------------------

LIST = Descriptor("l", "List", Kind.SERVICES, ("x",), "p")


def layer(**more) -> Layer:
    from dataclasses import replace

    return Layer(replace(LIST, **more), 1, None, "p", periods=(more.get("period", ""),))


def codes(straight=True, crossing=(), on=date(2026, 11, 30), **more) -> list[str]:
    one = layer(**more)
    return [each.code for each in cautions_of([(one, one.period)], straight=straight, crossing=crossing, on=on)]


def test_every_code_has_words_and_the_order_is_the_contracts():
    assert list(WORDS) == list(CAUTION_CODES) == [
        "sample", "completeness-unknown", "modelled", "position", "straight-line", "crossing", "assumed-standard", "stale",
    ]  # fmt: skip
    everything = codes(
        completeness=Completeness.MODELLED, crossing=("l",), access_standard=AccessStandard("nearest", 5), period="2020"
    )
    assert everything == ["modelled", "position", "straight-line", "crossing", "assumed-standard", "stale"]


def test_each_code_has_its_reason_and_no_other():
    good = {"completeness": Completeness.REGISTER, "position": Position.ADDRESS}
    assert codes(straight=False, **good) == []
    assert codes(straight=False, **good | {"completeness": Completeness.UNKNOWN}) == ["completeness-unknown"]
    assert codes(straight=False, **good | {"position": Position.POSTCODE}) == ["position"]
    assert codes(straight=False, **good | {"position": None}) == ["position"]
    assert codes(**good) == ["straight-line"]
    assert codes(**good, access_standard=AccessStandard("nearest", 5, "adopted")) == ["straight-line"]
    # ended in December 2023: three years are over at the end of December 2026
    assert codes(straight=False, **good, period="2023") == []
    assert codes(straight=False, on=date(2027, 1, 1), **good, period="2023") == ["stale"]
    assert codes(straight=False, **good, period="2025", next_update="March 2026") == ["stale"]
    assert codes(straight=False, **good, period="2021", next_update="planned for 2031") == []
    assert codes(straight=False, **good, period="2025", next_update="Not announced; the last came in 2019") == []
    assert codes(straight=False, **good, period="2025", next_update="2026-11-30") == []
    assert codes(straight=False, **good, period="2025", next_update="2026-11-29") == ["stale"]


def test_one_caution_per_code_and_layer():
    twice = [(layer(), ""), (layer(), "")]
    found = caution_list(cautions_of(twice, straight=True, on=date(2026, 11, 30)))
    assert [one["code"] for one in found] == ["completeness-unknown", "position", "straight-line"]
    assert {one["layer"] for one in found} == {"l"}


# ---- the gate and the strip -------------------------------------------------------------------------------------------


def test_the_gate():
    sample = Claims(9, True)
    assert sample.gate("85 areas with 1,200 residents are far. 3 more come close.") == (
        "85 areas with 1,200 residents are far, in this sample of 9 sites. 3 more come close."
    )
    assert (
        sample.gate("In it 5 people gain, in this sample of 9 sites.")
        == "In it 5 people gain, in this sample of 9 sites."
    )
    assert Claims(1, True).sample == "in this sample of 1 site"
    silent = Claims(9, False, frozenset({"gaps", "ranking"}))
    assert silent.gate("85 areas are far. 1,200 residents live there.") == "85 areas are far."
    unordered = Claims(9, False, frozenset({"gaps", "counts"}))
    assert unordered.gate("85 areas are far. The largest is Byker.") == "85 areas are far."
    assert counts_people("Everybody lives near 2 sites.") and not counts_people("85 areas are far.")


def test_the_strip_says_one_word_and_a_reason_and_is_amber_where_it_must(sampled, demo):
    gaps = view.gaps_of(sampled, Selection(need="crowded", services=("clinics",), show="gap"), PUBLIC)
    rows = {row.term: row for row in rows_of_gaps(gaps)}
    assert list(rows) == ["List", "Distance", "Need", "Age"]
    assert (rows["List"].word, rows["List"].reason, rows["List"].level) == (
        "Sample",
        "of 2, no register: check first",
        "caution",
    )
    assert (rows["Distance"].word, rows["Distance"].level) == ("Straight line", "caution")
    assert (rows["Need"].word, rows["Need"].level) == ("Counted", "fine")
    drawn = str(confidence_strip(rows_of_gaps(gaps)))
    assert "trust-caution" in drawn and "Caution: " in drawn
    whole = {row.term: row for row in rows_of_gaps(view.gaps_of(demo, Selection(
        need="alcohol-admissions", services=("gp-practices",), show="gap"), PUBLIC))}  # fmt: skip
    assert whole["List"].level == "fine" and whole["Distance"].reason.startswith(
        ("1.6 km is the standard", "some over water")
    )


def test_a_box_in_other_files(sampled, monkeypatch):
    monkeypatch.setattr(said, "today", lambda: date(2030, 1, 1))
    table = sampled.store.values("crowded", "lsoa", PUBLIC)
    document = values_export(sampled, table)
    assert [one["code"] for one in document.cautions] == ["stale"]
    book = openpyxl.load_workbook(io.BytesIO(write(document, "xlsx")))
    assert book.sheetnames[-1] == "cautions" and book["cautions"]["A2"].value == "stale"
    first = book[book.sheetnames[0]]
    assert [cell.value for cell in first[1]][-1] == "cautions" and first.cell(2, first.max_column).value == "stale"
    assert json.loads(write(document, "geojson"))["cautions"][0]["code"] == "stale"
    assert json.loads(write(document, "json"))["cautions"][0]["layer"] == "crowded"
    import pyarrow.parquet

    meta = pyarrow.parquet.read_schema(io.BytesIO(write(document, "parquet"))).metadata
    assert b"stale" in meta[b"cautions"]


def test_the_sample_is_not_the_pack_it_was_made_from(tiny, sampled, tmp_path):
    """The fixture itself: the same place, one word different, so that it is that word which is tested here."""
    shutil.rmtree(tmp_path, ignore_errors=True)
    assert tiny.store.layer("clinics", PUBLIC).descriptor.completeness == "register"
    assert sampled.store.layer("clinics", PUBLIC).descriptor.completeness == "sample"


def test_a_page_of_a_briefing_carries_how_far_to_trust_it(demo):
    sample = next(q for q in questions(demo, PUBLIC) if q.services.descriptor.completeness == "sample")
    pages = _starter(demo, sample.theme.id).pages
    told = [page for page in pages if page.trust]
    assert told and {page.trust[0].word for page in told if page.trust[0].term == "List"} >= {"Sample"}
    assert any("a sample, not a register" in text for page in told for text in page.cautions)
    # the box that every file has begins with it
    assert all("sample, not a register" in page.limits[0] for page in told if page.trust[0].word == "Sample")


def test_the_page_of_an_area_says_what_the_list_of_its_nearest_services_is(sampled):
    page = client_of(sampled).get("/api/v1/areas/lsoa/T15").get_json()
    (line,) = [line for line in page["services"] if line["layer_id"] == "clinics"]
    assert line["trust"] == "the nearest in this sample of 2 sites: a sample, not a register"


# ---- what an author typed --------------------------------------------------------------------------------------------

ABOUT_CLINICS = "# There are {{{{ services.count layer=clinics }}}} clinics\n\n{}\n\n# Next steps\n\n{}\n"
FRONT = "---\ntitle: {}\npartner: icb\naudience: public\nview: need=harm&services=clinics&show=gap\n---\n"


def typed(published, here="We go on.", there="We meet again.", title="Clinics"):
    """What is refused of a briefing about the clinics: (line, what), as the author would be told."""
    document = read_briefing(FRONT.format(title) + ABOUT_CLINICS.format(here, there))
    _, faults = fill_in(published, document, briefing_id="draft", made_on=date(2026, 11, 30))
    looked = preview(published, document.text, SYSTEM)
    assert [(one.line, one.what) for one in looked.faults] == sorted((number_in(f.where), f.what) for f in faults)
    return [(number_in(fault.where), fault.rule) for fault in faults]


def number_in(where):
    return int(re.search(r"line (\d+)", where)[1])


@pytest.mark.parametrize(
    "words", ["The gap is firm.", "It is **Proven** that help is far.", "> a firm finding", "- Firmer than ever"]
)
def test_nobody_types_firm_or_proven_over_a_sample(sampled, tiny, words):
    assert typed(sampled, here=words) == [(9, "sample-certain")]
    assert typed(sampled, there=words) == [(13, "sample-certain")]  # a page without figures speaks of the others
    assert typed(tiny, here=words) == typed(tiny, there=words) == []  # a register


def test_the_title_and_the_notes_are_held_to_it(sampled):
    assert typed(sampled, title="A firm case") == [(2, "sample-certain")]
    assert typed(sampled, here="```notes\nSay that it is proven.\n```") == [(10, "sample-certain")]


@pytest.mark.parametrize(
    "words", ["Nothing here is proven.", "This is not yet firm.", "A firm of builders.", "Two law firms."]
)
def test_what_says_no_such_thing_may_be_typed(sampled, words):
    assert typed(sampled, here=words) == []


def test_a_briefing_that_is_surer_than_its_sample_is_not_published(sampled, tmp_path, monkeypatch):
    monkeypatch.setenv("COMMONGROUND_REGION", str(sampled.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(tmp_path))
    file = tmp_path / "sure.md"
    file.write_text(FRONT.format("Clinics") + ABOUT_CLINICS.format("The gap is proven.", "We meet again."), "utf-8")
    ran = CliRunner().invoke(main, ["briefing", "validate", str(file)])
    assert ran.exit_code != 0 and "“proven” is said of a sample" in ran.output and "page 1, line 9" in ran.output
    CliRunner().invoke(main, ["user", "add", "ann", "--role", "analyst", "--partner", "icb", "--no-password"])
    ran = CliRunner().invoke(main, ["briefing", "publish", str(file), "--by", "ann"])
    assert ran.exit_code != 0 and "“proven” is said of a sample" in ran.output
