"""A new version through the wizard says what the layer said before, whatever the pages do not ask for."""

from dataclasses import replace

import pandas as pd

from dashboard.publishing.answers import OF_THE_FILE, prefill, said_today
from layers import KEYS, PUBLIC
from layers.model import (
    Completeness,
    Disclosure,
    Measure,
    NationalBands,
    Package,
    Position,
    Reference,
    Source,
)
from tests.dashboard.publishing.test_wizard import CODES, begin, filled, site, step  # noqa: F401
from tests.layers.store_fixtures import WEST_ANALYST, indicator

FRAME = pd.DataFrame({"area_code": CODES, "value": [float(n) for n in range(1, 17)]})


def rich() -> Package:
    """A layer that says nearly all that can be said, and something of another tool."""
    plain = indicator(
        "noise-westshire", measure=Measure.COUNT, unit="people", counts_people=True, decimals=1, synthetic=True,
        disclosure=Disclosure(source_protected=True, reason="ONS swaps records before it publishes."),
        sources=(Source("Census", "ONS", "https://ons.example/census", "OGL-UK-3.0", "© Crown"), Source("A second")),
        national=NationalBands("lsoa", 100, "England", {5: (1.0, 2.0, 3.0, 4.0)}),
        why_it_matters="Sleep.", caveats="Not all.", method="Counted.", next_update="2027", contact="n@w.example",
        licence="OGL-UK-3.0",
    ).descriptor  # fmt: skip
    more = {"completeness": Completeness.REGISTER, "position": Position.AREA, "error_sd": 0.123456789, "dispersion": 1.5,
            "fit_for": ("counts",), "reference": Reference("England", 12.3456789, "2024"), "description": "How loud."}  # fmt: skip
    known = {name: value for name, value in more.items() if name in KEYS and KEYS[name].has_field}
    extra = {"keywords": ["noise"], "commonground": {"theirs": {"a": 1}}}
    return Package(replace(plain, **known, extra=extra), FRAME.assign(status="ok"))


def republished(site, before, **changed):  # noqa: F811
    ann = site.client("ann")
    draft = begin(ann, FRAME.assign(value=FRAME["value"] + 1), layer="noise-westshire")
    step(ann, draft, "columns")
    said = prefill(None, before, site.store.region, "westshire") | {"period": "2026"} | changed
    assert step(ann, draft, "describe", **said).status_code == 303
    for name in ("check", "preview"):
        assert step(ann, draft, name).status_code == 303, name
    assert step(ann, draft, "publish").status_code == 303
    return site.store.layer("noise-westshire", PUBLIC).descriptor


def test_everything_that_was_said_is_said_again(site):  # noqa: F811
    site.store.publish(rich(), by=WEST_ANALYST)
    before = site.store.layer("noise-westshire", PUBLIC).descriptor
    after = republished(site, before)
    lost = {
        name: (key.value(before), key.value(after))
        for name, key in KEYS.items()
        if name not in (*OF_THE_FILE, "columns") and key.value(before) != key.value(after)
    }
    rule, now = lost.pop("disclosure")  # asked for, beginning with what holds for every count of people
    assert lost == {} and now == replace(rule, threshold=8, rounding_base=5)
    assert after.extra == before.extra
    assert site.store.values("noise-westshire", "lsoa", PUBLIC).arrays["value"].tolist()[:3] == [2, 3, 4]


def test_what_is_answered_wins_and_what_is_emptied_is_gone(site):  # noqa: F811
    site.store.publish(rich(), by=WEST_ANALYST)
    before = site.store.layer("noise-westshire", PUBLIC).descriptor
    after = republished(site, before, caveats="", why_it_matters="Quiet.", source_title="Survey")
    assert (after.caveats, after.why_it_matters, after.sources[0].title) == ("", "Quiet.", "Survey")
    assert after.disclosure.source_protected and after.decimals == 1


def test_what_a_file_says_itself_wins_over_what_was_said():
    document = said_today(rich().descriptor, {"caveats": ""})
    assert "caveats" not in document["commonground"] and document["commonground"]["disclosure"]["source_protected"]
    assert "name" not in document and "period" not in document["commonground"]
