"""A new descriptive key is one row of ``layers.descriptive_keys``: here one is added for the test alone, and seen everywhere."""

from __future__ import annotations

import json
import tomllib

import pytest

from dashboard.published import Published
from dashboard.views.catalogue import catalogue
from layers import PUBLIC
from layers.build.catalogue import build_layer, read_definition
from layers.descriptive_keys import KEYS, READER, FormQuestion, Key
from layers.descriptor import descriptor_from_json, descriptor_of_dict, descriptor_to_json
from layers.model import Refused
from layers.reference import tables
from layers.store.records import descriptor_as_dict
from tests.dashboard.publishing.test_wizard import begin, demo, filled, publish, site, step, streets  # noqa: F401
from tests.layers.build.test_catalogue import definition, official, source  # noqa: F401
from tests.layers.official import geography

WORDS = ("register", "sample", "modelled")
ROW = Key(
    "collected_as", "choice", words=WORDS, definition="may", api="collected_as", page="Collected as",
    said={"register": "A full register", "sample": "A sample", "modelled": "A model"},
    questions=(FormQuestion("How was it collected?", "choice", READER, "As the publisher says.",
                        options=tuple((word, word.title()) for word in WORDS)),),
)  # fmt: skip
DOCUMENT = {
    "name": "noise", "title": "Noise",
    "commonground": {
        "kind": "indicator", "theme": "housing", "partner": "icb", "measure": "score", "collected_as": "sample"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def new_row(monkeypatch):
    monkeypatch.setitem(KEYS, ROW.name, ROW)


def test_it_is_read_from_a_package_checked_and_written_back():
    descriptor = descriptor_from_json(DOCUMENT)
    assert ROW.value(descriptor) == "sample"
    assert descriptor_to_json(descriptor)["commonground"]["collected_as"] == "sample"
    assert descriptor_of_dict(json.loads(json.dumps(descriptor_as_dict(descriptor)))) == descriptor
    wrong = {**DOCUMENT, "commonground": {**DOCUMENT["commonground"], "collected_as": "hearsay"}}
    with pytest.raises(Refused) as refused:
        descriptor_from_json(wrong)
    (fault,) = refused.value.faults
    assert str(fault) == (
        "datapackage.json, column commonground.collected_as: 'hearsay' is not one of the words in use "
        "(use one of register, sample, modelled)"
    )


def test_it_is_read_from_a_definition_and_built_into_the_layer(tmp_path, official):  # noqa: F811
    file = definition(tmp_path / "c", 'collected_as = "modelled"\n' + source(value="score"))
    assert tomllib.loads(file.read_text())["collected_as"] == "modelled"
    package = build_layer(read_definition(file), official, geography())
    assert ROW.value(package.descriptor) == "modelled"
    assert ROW.value(read_definition(definition(tmp_path / "c", source(value="score"))).descriptor) == ""
    file = definition(tmp_path / "c", 'collected_as = "hearsay"\n' + source(value="score"))
    with pytest.raises(Refused, match="'hearsay' is not one of the words in use"):
        read_definition(file)


def test_it_is_asked_in_the_wizard_and_said_by_the_api_and_the_page(site, tiny_region):  # noqa: F811
    ann, published = site.client("ann"), Published(tiny_region, site.store, site.home)
    draft = begin(ann, streets())
    step(ann, draft, "columns")
    asked = ann.get(f"{draft}/describe").text
    assert "How was it collected?" in asked and 'value="modelled"' in asked
    layer = publish(ann, streets(), collected_as="register").rstrip("/").rsplit("/", 1)[-1].partition("?")[0]
    document = ann.get(f"/api/v1/layers/{layer}").get_json()
    assert document["collected_as"] == "register" and list(document)[-2:] == ["collected_as", "notice"]
    (entry,) = (one for one in catalogue(published, PUBLIC) if one.id == layer)
    assert dict(entry.facts)["Collected as"] == "A full register"
    # A new version begins with what the last one said.
    again = begin(ann, streets(), layer=layer)
    step(ann, again, "columns")
    assert '<option value="register" selected' in ann.get(f"{again}/describe").text


def test_it_stands_in_the_reference():
    assert "| `collected_as` | text | both | register, sample or modelled |" in tables()["keys"]


def test_what_the_wizard_is_told_of_fitness_is_kept_by_the_next_version(site):  # noqa: F811
    """Also what has no plain answer: a list of uses asked the other way round, a standard's status, a figure to compare with."""
    ann = site.client("ann")
    said = {"completeness": "modelled", "unfit_for": "counts", "error_sd": "1.5", "weighted_by": "residents",
            "reference_name": "England", "reference_value": "-2.5", "reference_period": "2024", "agreement": "dsa-7"}  # fmt: skip
    layer = publish(ann, streets(), **said).rstrip("/").rsplit("/", 1)[-1].partition("?")[0]
    document = ann.get(f"/api/v1/layers/{layer}").get_json()
    expected = {
        "completeness": "modelled", "fit_for": ["gaps", "ranking"], "error_sd": 1.5, "dispersion": None,
        "weighted_by": "residents", "reference": {"name": "England", "value": -2.5, "period": "2024"},
        "agreement": "dsa-7", "position": None,
    }  # fmt: skip
    assert {name: document[name] for name in expected} == expected
    again = begin(ann, streets(), layer=layer)
    step(ann, again, "columns")
    page = ann.get(f"{again}/describe").text
    for words in ('<option value="modelled" selected', 'value="-2.5"', 'value="dsa-7"', 'value="1.5"'):
        assert words in page
    assert page.count('name="unfit_for" value="counts" checked') == 1
