"""The catalogue: production definitions, reading and refusing definitions, building layers in small and on the real data."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.build.catalogue import (
    MODULES,
    build_layer,
    build_layers,
    load_catalogue,
    read_definition,
    shown,
    theme_ids,
)
from layers.descriptive_keys import KEYS
from layers.model import Direction, Kind, Measure, Refused
from layers.sources import tables
from tests.layers.official import (
    CATALOGUE,
    FOUR,
    NORTH_EAST,
    ONE,
    REAL,
    THREE,
    TWO,
    geography,
    real_geography,
    write_official,
)

HEAD = """
id = "{id}"
title = "A layer"
kind = "indicator"
themes = ["health"]
supplied_by = "icb"
measure = "{measure}"
unit = "a unit"
direction = "high-is-worse"
period = "2025"
publisher = "A publisher"
source_title = "A file"
source_url = "https://example.org"
licence = "OGL-UK-3.0"
attribution = "Crown copyright"
why_it_matters = "It does. It really does."
caveats = "Mind the gap."
method = "Taken over."
next_update = "Never."
reviewed_by = "Common Ground team"
reviewed_on = 2026-11-22
contact = "Common Ground team"
{more}
"""

SERVICES = HEAD.replace('kind = "indicator"', 'kind = "services"')
SERVICES = "\n".join(line for line in SERVICES.split("\n") if not line.startswith(("measure", "unit", "direction")))

POPULATION = """
[source.denominator]
module = "ons_population"
file = "indicators/residents.parquet"
area = "area"
column = "residents"
"""

CRIME = (
    """per = 1000
[source]
module = "police_uk"
file = "indicators/crime.parquet"
months = ["2024-01", "2024-02"]
crime_types = ["Drugs"]
forces = "lookups/forces.csv"
"""
    + POPULATION
)


@pytest.fixture
def official(tmp_path):
    yield write_official(tmp_path / "official")
    tables.forget()


def definition(folder: Path, more: str, measure: str = "score", id: str = "a-layer", head: str = HEAD):
    folder.mkdir(exist_ok=True)
    file = folder / f"{id}.toml"
    file.write_text(head.replace("{id}", id).replace("{measure}", measure).replace("{more}", more), "utf-8")
    return file


def build(tmp_path, official, more, measure="score", head=HEAD):
    return build_layer(
        read_definition(definition(tmp_path / "catalogue", more, measure, head=head)), official, geography()
    )


def source(file="scores", module="mhclg", **columns) -> str:
    keys = "\n".join(f"{key} = {value!r}" for key, value in columns.items())
    return f'[source]\nmodule = "{module}"\nfile = "indicators/{file}.parquet"\narea = "area"\n{keys}\n'


def refusal(tmp_path, official, *arguments, **more) -> Refused:
    with pytest.raises(Refused) as raised:
        build(tmp_path, official, *arguments, **more)
    for fault in raised.value.faults:
        assert fault.where and fault.todo, fault
    return raised.value


# ------------------------------------------------------------------------------------------- production definitions


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(CATALOGUE)


def test_catalogue_is_large_and_wide_enough(catalogue):
    indicators = [one for one in catalogue if one.descriptor.kind == Kind.INDICATOR]
    services = {one.id for one in catalogue if one.descriptor.kind == Kind.SERVICES}
    assert len(indicators) >= 36
    assert services >= {
        "gp-practices",
        "pharmacies",
        "hospital-sites",
        "drug-alcohol-services",
        "sexual-health",
        "urgent-care",
        "sexual-assault-referral",
        "pubs",
    }
    count = Counter(theme for one in indicators for theme in one.descriptor.themes)
    assert set(count) == set(theme_ids())
    assert min(count.values()) >= 3, count


def test_themes_file_has_the_fixed_themes():
    file = CATALOGUE / "themes.toml"
    if not file.exists():
        pytest.skip("data/catalogue/themes.toml is not there")
    assert {theme["id"] for theme in tomllib.loads(file.read_text("utf-8"))["themes"]} == set(theme_ids())


def test_definition_checks(catalogue):
    """Every layer says what a reader needs, in sentences."""
    assert len({one.descriptor.title for one in catalogue}) == len(catalogue)
    for one in catalogue:
        assert len(re.findall(r"[.!?](?:\s|$)", one.descriptor.why_it_matters)) == 2, (
            one.id,
            one.descriptor.why_it_matters,
        )
        for text in (
            one.descriptor.why_it_matters,
            one.descriptor.caveats,
            one.descriptor.method,
            one.descriptor.next_update,
        ):
            assert text.endswith("."), (one.id, text)
            assert "  " not in text and "\n" not in text, (one.id, text)
        assert one.descriptor.reviewed_by == "Common Ground team"
        assert one.descriptor.reviewed_on in ("2026-11-22", "2026-11-30")
        assert len(one.descriptor.caveats) > 60, one.id
        if one.descriptor.measure in (Measure.RANK, Measure.DECILE):
            assert one.descriptor.direction == Direction.LOW_IS_WORSE, one.id
        if one.descriptor.measure == Measure.RANK:
            assert (one.descriptor.level, one.descriptor.vintage) == ("lsoa", 2011), one.id
        if one.source.module == "police_uk":
            assert "four months" in one.descriptor.caveats or "one month" in one.descriptor.caveats
            assert not one.national, "four forces are missing, so that the country is not covered"


def test_proxies_say_bluntly_what_they_are_not(catalogue):
    for one in catalogue:
        if one.descriptor.kind == Kind.INDICATOR and "alcohol" in one.descriptor.themes:
            assert "not a direct measure of alcohol harm" in one.descriptor.caveats, one.id
        if one.descriptor.kind == Kind.INDICATOR and "modern-slavery" in one.descriptor.themes:
            assert "neither counts nor estimates victims" in one.descriptor.caveats, one.id
        if one.descriptor.kind == Kind.INDICATOR and "hmo" in one.descriptor.themes:
            assert "does not count houses in multiple occupation" in one.descriptor.caveats, one.id
        if one.descriptor.licence.startswith("Not stated"):
            assert "check it before publishing the figures onward" in one.descriptor.caveats, one.id


def test_distances_have_an_authority_or_say_that_they_are_assumed(catalogue):
    for one in (one for one in catalogue if one.descriptor.access_standard):
        if one.id in ("gp-practices", "pharmacies"):
            assert one.descriptor.access_standard.max_m == 1600
            assert "20-minute walk" in one.descriptor.caveats
        else:
            assert (
                f"{one.descriptor.access_standard.max_m:,.0f} m is a planning assumption" in one.descriptor.caveats
            ), one.id


def test_every_layer_says_how_far_it_can_be_trusted_as_its_own_words_do(catalogue):
    for one in catalogue:
        said, words = one.descriptor, f"{one.descriptor.caveats} {one.descriptor.method}"
        unknown = said.completeness == "unknown"
        assert unknown == (one.id == "hospital-sites"), one.id
        assert ("a sample" in words and "not" in words) <= (said.completeness == "sample"), one.id
        assert ("is modelled" in words or "a model's estimate" in words) <= (said.completeness == "modelled"), one.id
        if said.measure in (Measure.SCORE, Measure.RANK, Measure.DECILE) or said.never_averaged:
            assert said.completeness == "modelled", one.id
        if said.kind == Kind.SERVICES:
            assert said.position is not None, one.id
            assert said.access_standard is None or said.access_standard.status == "assumption", one.id
        assert ("fixed set of map points" in words) == (said.position == "snapped"), one.id
        assert (said.dispersion is not None) == ("From month to month its counts spread" in words.replace("\n", " ")), (
            one.id
        )
        if said.dispersion is not None:
            assert f"spread {said.dispersion:g} times as far as chance alone" in words, one.id
        assert ("our averages weighted by residents" in words and said.measure == Measure.PERCENTAGE) <= (
            said.weighted_by == "residents"
        ), one.id
        assert ("must not be used as one" in words) == ("gaps" not in said.fit_for and said.kind == Kind.INDICATOR), (
            one.id
        )


# --------------------------------------------------------------------------------------------- reading definitions


def test_a_good_definition_is_read(tmp_path):
    one = read_definition(definition(tmp_path / "c", source(value="score") + "", id="a-layer"))
    assert one.descriptor.kind is Kind.INDICATOR and one.descriptor.measure is Measure.SCORE
    assert one.descriptor.reviewed_on == "2026-11-22"  # a TOML date and a quoted date read the same
    assert one.source.file == "indicators/scores.parquet"
    assert one.source.options == {"area": "area", "value": "score"}


def test_all_bad_definitions_come_in_one_refusal(tmp_path):
    folder = tmp_path / "c"
    definition(folder, source(value="score"), id="good")
    bad = definition(folder, source(value="score"), id="bad")
    bad.write_text(bad.read_text().replace('"health"', '"helth"').replace('"icb"', '"nhs"').replace("a unit", ""))
    definition(folder, "[source", id="broken")
    with pytest.raises(Refused) as raised:
        load_catalogue(folder)
    told = {(fault.where, fault.column) for fault in raised.value.faults}
    assert told == {("bad.toml", "themes"), ("bad.toml", "supplied_by"), ("bad.toml", "unit"), ("broken.toml", "")}


def test_no_folder_and_an_empty_folder_are_refused(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Refused):
            load_catalogue(folder)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ('id = "a-layer"', 'id = "another"', "id"),
        ('id = "a-layer"', 'id = "A layer"', "id"),
        ('kind = "indicator"', 'kind = "chart"', "kind"),
        ('kind = "indicator"', "", "kind"),
        ('measure = "score"', 'measure = "ratio"', "measure"),
        ('measure = "score"', "", "measure"),
        ('direction = "high-is-worse"', 'direction = "up"', "direction"),
        ('themes = ["health"]', "themes = []", "themes"),
        ('themes = ["health"]', 'themes = ["health", "health"]', "themes"),
        ("[source]", 'colour = "red"\n[source]', "colour"),
        ("[source]", "natonal = true\n[source]", "natonal"),
        ("[source]", 'national = "yes"\n[source]', "national"),
        ("[source]", "vintage = 2001\n[source]", "vintage"),
        ("[source]", 'level = "street"\n[source]', "level"),
        ("[source]", "per = 0\n[source]", "per"),
        ("[source]", "per = true\n[source]", "per"),
        ("[source]", "decimals = 1.5\n[source]", "decimals"),
        ("[source]", "[access_standard]\nmetric = 'nearest'\nmax_m = 5\n[source]", "access_standard"),
        ("https://example.org", "example.org", "source_url"),
        ("OGL-UK-3.0", "free", "licence"),
        ("2026-11-22", '"last week"', "reviewed_on"),
        ('module = "mhclg"', 'module = "mclg"', "source.module"),
        ('module = "mhclg"', 'module = "mhclg"\nvalu = "score"', "source.valu"),
        ("value = 'score'", "", "source.value"),
        ('area = "area"', "", "source.area"),
        ("indicators/scores.parquet", "../secrets.parquet", "source.file"),
        ("indicators/scores.parquet", "/etc/passwd", "source.file"),
        ("value = 'score'", "value = 'score'\nblank = 'zero'", "source.blank"),
        ('caveats = "Mind the gap."', "", "caveats"),
        ('caveats = "Mind the gap."', "caveats = 3", "caveats"),
    ],
)
def test_each_mistake_is_named_with_its_key(tmp_path, old, new, column):
    file = definition(tmp_path / "c", source(value="score"))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(Refused) as raised:
        read_definition(file)
    assert column in [fault.column for fault in raised.value.faults]
    assert all(fault.todo for fault in raised.value.faults)


def test_a_percentage_needs_its_hundred_and_a_rate_its_denominator(tmp_path):
    for more, measure, column in (
        ("per = 1000\n" + source(value="rate"), "percentage", "per"),
        (source(numerator="people"), "rate", "source.denominator"),
        (source(value="people"), "count", "source.value"),
    ):
        with pytest.raises(Refused) as raised:
            read_definition(definition(tmp_path / "c", more, measure))
        assert [fault.column for fault in raised.value.faults] == [column]


def test_a_misspelt_key_suggests_the_right_one(tmp_path):
    file = definition(tmp_path / "c", "nationl = true\n" + source(value="score"))
    with pytest.raises(Refused, match="did you mean 'national'"):
        read_definition(file)


# ------------------------------------------------------------------------------------------------ building in small


def test_score_is_cut_to_the_region_with_national_bands(tmp_path, official):
    package = build(tmp_path, official, "national = true\n" + source(value="score"))
    assert list(package.table.columns) == ["area_code", "value", "status"]
    assert package.table["area_code"].tolist() == [ONE, TWO, THREE]
    assert package.table["value"].tolist() == [10.0, 20.0, 30.0]
    assert set(package.table["status"]) == {"ok"}
    national = package.descriptor.national
    assert national.areas == 4 and national.scope == "4 LSOAs in England"
    # England's values are 10, 20, 30, 40: at rank positions 1 + 3k/5 stand 16, 22, 28 and 34.
    assert national.quantiles[5] == pytest.approx((16.0, 22.0, 28.0, 34.0))
    assert set(national.quantiles) == {3, 4, 5, 6, 7}
    assert package.descriptor.partner == "the-icb"
    assert package.descriptor.sources[0].publisher == "A publisher"


def test_counts_keep_numerator_and_denominator(tmp_path, official):
    more = source("homes", "ons_census", numerator=["council", "other"], denominator="all")
    table = build(tmp_path, official, more, "percentage").table
    assert "value" not in table
    assert table["numerator"].tolist() == [20.0, 30.0, 0.0]
    assert table["denominator"].tolist() == [100.0, 100.0, 50.0]
    assert shown(table, 100).tolist() == [20.0, 30.0, 0.0]
    assert set(table["status"]) == {"ok"}, "a true zero is ok"


HOMES = source("homes", "ons_census", numerator=["council", "other"], denominator="all")


@pytest.mark.parametrize(
    ("more", "measure", "value"),
    [
        # parts are summed over the four areas: (20 + 30 + 0 + 200) of (100 + 100 + 50 + 400) homes
        ("national = true\nper = 100\n" + HOMES, "percentage", 100 * 250 / 650),
        # a score is a mean over residents: (10 * 1,000 + 20 * 2,000 + 30 * 1,000 + 40 * 4,000) / 8,000
        ("national = true\n" + source(value="score"), "score", 240_000 / 8_000),
        ('national = true\nweighted_by = "residents"\n' + source(value="score"), "percentage", 30.0),
        # no honest figure: not said to be averaged, a rank, a standardised ratio, a file that is not of the whole country
        ("national = true\n" + source(value="score"), "percentage", None),
        ("national = true\ndirection = 'low-is-worse'\n" + source(value="score"), "decile", None),
        ("national = true\nnever_averaged = true\n" + source(value="score"), "rate", None),
        ("per = 100\n" + HOMES, "percentage", None),
        # one of the four areas is blank: the rest may be unlike it
        ("national = true\nper = 100\n" + source("people", numerator="people") + POPULATION, "percentage", None),
    ],
)
def test_englands_figure_is_worked_out_from_every_area_of_the_file(tmp_path, official, more, measure, value):
    head = HEAD.replace('direction = "high-is-worse"\n', "") if "direction" in more else HEAD
    reference = build(tmp_path, official, more, measure, head).descriptor.reference
    if value is None:
        assert reference is None
    else:
        assert (reference.name, reference.period) == ("England", "2025") and reference.value == pytest.approx(
            value, rel=1e-5
        )


@pytest.mark.real
@pytest.mark.parametrize(
    ("id", "table", "parts", "whole", "said"),
    [  # said: as ONS published it for England, Census 2021
        ("no-car-households-2021", "car_availability", ["households_no_car"], "households_total", 23.5),
        ("bad-health-2021", "general_health", ["bad", "very_bad"], "residents_total", 5.2),
        ("residents-65-plus-2021", "age_bands", ["age_65_plus"], "age_bands_sum", 18.4),
        ("disability-2021", "disability", ["Disability: Disabled under the Equality Act"], "total_residents", 17.3),
        ("white-residents-2021", "ethnic_group", ["Ethnic group: White"], "total_residents", 81.0),
    ],
)
def test_englands_figures_are_those_of_the_publishers_files(built, id, table, parts, whole, said):
    frame = pd.read_parquet(REAL / "indicators" / f"Census2021_{table}_LSOA21.parquet")
    england = frame[frame.iloc[:, 0].str.startswith("E")]
    figure = 100 * sum(int(england[part].sum()) for part in parts) / int(england[whole].sum())
    assert built[id].descriptor.reference.value == pytest.approx(figure, rel=1e-5)
    assert round(figure, 1) == said


def test_a_published_rate_keeps_its_value_and_gets_its_people(tmp_path, official):
    people = "\n[source.people]\nfile = 'people.parquet'\narea = 'area'\nnumerator = 'people'\n"
    table = build(tmp_path, official, source(value="rate", scale=100) + people, "percentage").table
    assert table["value"].tolist() == [10.0, 25.0, 2.0]
    assert table["denominator"].iloc[:2].tolist() == [1000.0, 2000.0]  # 100 / 0.10 and 500 / 0.25
    assert table[["numerator", "denominator"]].iloc[2].isna().all(), "no number of people is made up"
    assert table["status"].tolist() == ["ok", "ok", "ok"]


def test_blank_is_missing_unless_the_definition_says_withheld(tmp_path, official):
    for blank, status in (("", "missing"), ("blank = 'suppressed'\n", "suppressed")):
        table = build(tmp_path, official, source("people", numerator="people") + blank, "count").table
        assert table["status"].tolist() == ["ok", "ok", status]


def test_2011_areas_keep_their_own_codes(tmp_path, official):
    more = "vintage = 2011\n" + source("ranks_2011", value="rank")
    package = build(tmp_path, official, more, "rank")
    assert package.table["area_code"].tolist() == [ONE, TWO, "E01000009"]
    assert package.table["value"].tolist() == [3.0, 1.0, 2.0]
    assert package.descriptor.vintage == 2011


def test_authority_figures_are_published_for_authorities(tmp_path, official):
    more = (
        "level = 'lad'\nvintage = 2024\nnational = true\n" + source(value="per authority") + "constant_within = 'lad'\n"
    )
    package = build(tmp_path, official, more, "rate")
    assert package.table.to_dict("records") == [{"area_code": "E08000021", "value": 1.5, "status": "ok"}]
    assert package.descriptor.national.scope == "2 local authorities in England"


def test_an_authority_that_disagrees_with_itself_has_no_figure(tmp_path, official):
    more = "level = 'lad'\nvintage = 2024\n" + source(value="score") + "constant_within = 'lad'\n"
    table = build(tmp_path, official, more, "rate").table
    assert table["value"].isna().all() and table["status"].tolist() == ["missing"]


def test_crime_zero_where_the_force_is_and_missing_where_it_is_not(tmp_path, official):
    everywhere = geography()
    everywhere.areas["lsoa"], everywhere.lad_codes = everywhere.england, ["E08000021", "E09000001"]
    one = read_definition(definition(tmp_path / "c", CRIME, "rate"))
    table = build_layer(one, official, everywhere).table.set_index("area_code")
    # One: 3 + 1. Two: 4, and 2 of the transport police. Three: no row, but its force is in the file. Four: force absent,
    # although the transport police recorded nine there.
    assert table["numerator"].iloc[:3].tolist() == [4.0, 6.0, 0.0]
    assert np.isnan(table.loc[FOUR, "numerator"])
    assert table["status"].tolist() == ["ok", "ok", "ok", "missing"]
    assert shown(table, 1000).iloc[:3].tolist() == [4.0, 3.0, 0.0]  # of 1,000, 2,000 and 1,000 residents


def test_crime_by_month_gives_periods(tmp_path, official):
    more = CRIME.replace("crime_types", "by_month = true\ncrime_types")
    table = build(tmp_path, official, more, "rate").table
    assert list(zip(table["area_code"], table["period"], table["numerator"], strict=True)) == [
        (ONE, "2024-01", 3.0),
        (ONE, "2024-02", 1.0),
        (TWO, "2024-01", 0.0),
        (TWO, "2024-02", 6.0),
        (THREE, "2024-01", 0.0),
        (THREE, "2024-02", 0.0),
    ]


def test_a_total_of_months_needs_every_month(tmp_path, official):
    file = official / "indicators/crime.parquet"
    crime = pd.read_parquet(file)
    northumbria_in_february = (crime["police_force"] == "Northumbria Police") & (crime["month"] == "2024-02")
    crime[~northumbria_in_february].to_parquet(file)
    table = build(tmp_path, official, CRIME, "rate").table
    assert set(table["status"]) == {"missing"}
    monthly = build(tmp_path, official, CRIME.replace("crime_types", "by_month = true\ncrime_types"), "rate").table
    assert monthly.groupby("period")["status"].unique().map(list).to_dict() == {
        "2024-01": ["ok"],
        "2024-02": ["missing"],
    }


def test_pubs_are_counted_once_each_per_resident(tmp_path, official):
    more = (
        "per = 1000\n[source]\nmodule = 'osm'\nfile = 'services/pubs.parquet'\noutlines = 'boundaries/outlines.parquet'\n"
        "outline_code = 'LSOA21CD'\n" + POPULATION
    )
    table = build(tmp_path, official, more, "rate").table
    assert table["numerator"].sum() == 3.0, "the pub on the border is counted once, the Scottish one not at all"
    assert table["numerator"].iloc[2] == 0.0 and table["status"].iloc[2] == "ok"


def test_services_within_the_buffer_whichever_authority(tmp_path, official):
    more = "[source]\nmodule = 'nhs_england'\nfile = 'services/sites.parquet'\ncategory = 'GP practice'\nas_of = '2025-11'\n"
    package = build(tmp_path, official, more + "[access_standard]\nmetric = 'nearest'\nmax_m = 1600\n", head=SERVICES)
    assert package.table["service_id"].tolist() == ["A1", "B2"]  # London is outside the buffer, Lost has no point
    assert package.table["name"].tolist() == ["The NHS Centre of Tyne", "Quayside Surgery"]
    assert package.descriptor.access_standard.max_m == 1600.0
    assert package.descriptor.extra == {"commonground": {"left_out": {"without_a_point": 1}}}


def test_services_without_metres_get_them(tmp_path, official):
    more = "[source]\nmodule = 'osm'\nfile = 'services/pubs.parquet'\n"
    table = build(tmp_path, official, more, head=SERVICES).table
    assert table["service_id"].tolist() == ["osm-anchor", "osm-border", "osm-crown"]
    # One hundredth of a degree of longitude is 111,320 m * cos(54.975) / 100 = 639 m.
    crown, anchor = (table.set_index("service_id").loc[f"osm-{name}"] for name in ("crown", "anchor"))
    assert np.hypot(anchor["easting"] - crown["easting"], anchor["northing"] - crown["northing"]) == pytest.approx(
        639, abs=2
    )


def test_build_layers_goes_on_past_faults_and_reports_all(tmp_path, official):
    folder = tmp_path / "catalogue"
    far = "[source]\nmodule = 'nhs_england'\nfile = 'services/sites.parquet'\nkeep = {org_code = ['C3']}\n"
    definition(folder, far, id="far", head=SERVICES)
    definition(folder, source(value="score"), id="fine")
    packages, reasons = build_layers(load_catalogue(folder), official, geography())
    assert [package.descriptor.id for package in packages] == ["fine"]
    assert list(reasons) == ["far"]
    definition(folder, source(value="scoer"), id="typo")
    definition(folder, source("nothing", value="score"), id="absent")
    with pytest.raises(Refused) as raised:
        build_layers(load_catalogue(folder), official, geography())
    assert {fault.rule for fault in raised.value.faults} == {"column-missing", "file-missing"}


# --------------------------------------------------------------------------------------------------------- bad input


def test_cut_short_file(tmp_path, official):
    file = official / "indicators/scores.parquet"
    file.write_bytes(file.read_bytes()[:-200])
    (fault,) = refusal(tmp_path, official, source(value="score")).faults
    assert fault.where == "scores.parquet" and "cut short" in fault.what


def test_missing_column_names_a_similar_one(tmp_path, official):
    (fault,) = refusal(tmp_path, official, source(value="scores")).faults
    assert (fault.where, fault.column) == ("scores.parquet", "scores")
    assert "'score'" in fault.todo


def test_wrong_vintage_is_refused_although_most_codes_fit(tmp_path, official):
    (fault,) = refusal(tmp_path, official, source("ranks_2011", value="rank")).faults
    assert fault.rule == "wrong-vintage" and "E01000008, E01000009" in fault.what and "2021" in fault.what
    (fault,) = refusal(tmp_path, official, "vintage = 2011\n" + source(value="score")).faults
    assert fault.rule == "areas-absent" and "E01000009" in fault.what


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "duplicate-area"),
        (lambda frame: frame.iloc[1:], "areas-absent"),
        (lambda frame: frame.assign(area=[None, *frame["area"].iloc[1:]]), "blank-area"),
        (lambda frame: frame.assign(score=["ten", "20", "30", "40"]), "not-a-number"),
        (lambda frame: frame.assign(score=[np.inf, 20, 30, 40]), "not-a-number"),
        (lambda frame: frame.assign(area=["E01999999", *frame["area"].iloc[1:]]), "wrong-vintage"),
    ],
)
def test_broken_tables_are_refused(tmp_path, official, change, rule):
    file = official / "indicators/scores.parquet"
    change(pd.read_parquet(file)).to_parquet(file)
    assert [fault.rule for fault in refusal(tmp_path, official, source(value="score")).faults] == [rule]


def test_areas_without_a_denominator_are_refused(tmp_path, official):
    file = official / "indicators/residents.parquet"
    pd.read_parquet(file).iloc[1:].to_parquet(file)
    (fault,) = refusal(tmp_path, official, CRIME, "rate").faults
    assert fault.where == "residents.parquet" and ONE in fault.what


def test_nothing_of_the_source_is_changed(tmp_path, official):
    before = {file: file.read_bytes() for file in official.rglob("*") if file.is_file()}
    region = geography()
    england = region.england.copy()
    build(tmp_path, official, source(value="score"))
    build(tmp_path, official, CRIME, "rate")
    assert {file: file.read_bytes() for file in official.rglob("*") if file.is_file()} == before
    pd.testing.assert_frame_equal(region.england, england)


# -------------------------------------------------------------------------------------------------------------- laws


@settings(max_examples=40)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_cut_points_are_the_quantiles_of_a_plain_sorted_list(values):
    from layers.build.catalogue import _national_bands

    whole = pd.DataFrame({"area_code": "E01000001", "value": values, "status": "ok"})
    one = next(one for one in load_catalogue_once() if one.descriptor.measure == Measure.SCORE)
    bands = _national_bands(one.descriptor, whole)
    ordered = sorted(values)
    for classes, cuts in bands.quantiles.items():
        assert list(cuts) == sorted(cuts)
        for k, cut in enumerate(cuts, 1):
            at = (len(ordered) - 1) * k / classes
            low, part = int(at), at - int(at)
            high = min(low + 1, len(ordered) - 1)
            assert cut == pytest.approx(ordered[low] + part * (ordered[high] - ordered[low]), abs=1e-5)


_LOADED: list = []


def load_catalogue_once():
    if not _LOADED:
        _LOADED.extend(load_catalogue(CATALOGUE))
    return _LOADED


# --------------------------------------------------------------------------------------------------------- real data


def real(path: str) -> Path:
    if not REAL.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    return REAL / path


@pytest.fixture(scope="module")
def built(catalogue):
    real("")
    packages, reasons = build_layers(catalogue, REAL, real_geography(NORTH_EAST))
    assert set(reasons) <= {"sexual-assault-referral"}
    return {package.descriptor.id: package for package in packages}


@pytest.mark.real
def test_every_file_and_column_exists(catalogue):
    for one in catalogue:
        options = one.source.options
        wanted = [(one.source.file, tables.listed(options.get(role))) for role in ("area", "value", "numerator")]
        if isinstance(options.get("denominator"), dict):
            other = options["denominator"]
            wanted.append((other["file"], [other["area"], other["column"]]))
        elif one.source.module not in ("police_uk", "osm"):
            wanted.append((one.source.file, tables.listed(options.get("denominator"))))
        if people := options.get("people"):
            wanted.append((str(Path(one.source.file).parent / people["file"]), [people["area"], people["numerator"]]))
        for file, columns in wanted:
            assert set(columns) <= set(tables.headers(real(file))), (one.id, file)


@pytest.mark.real
def test_north_east_has_all_its_areas_and_plausible_values(built):
    assert len(built) >= 36 + 7
    for id, package in built.items():
        descriptor, table = package.descriptor, package.table
        if descriptor.kind == Kind.SERVICES:
            assert not table.empty and table["service_id"].is_unique
            assert table["easting"].between(370_000, 460_000).all()
            continue
        areas = table["area_code"].nunique()
        assert (
            areas
            == {("lsoa", 2021): 1257, ("lsoa", 2011): 1240, ("lad", 2024): 7}[(descriptor.level, descriptor.vintage)]
        )
        values = shown(table, descriptor.per)
        ok = table["status"] == "ok"
        assert values[ok].notna().all() and values[~ok].isna().all(), id
        assert ok.mean() > 0.95, id
        if descriptor.measure == Measure.PERCENTAGE:
            assert values.dropna().between(0, 100).all(), id
        if descriptor.measure in (Measure.RATE, Measure.COUNT, Measure.MEAN):
            assert (values.dropna() >= 0).all(), id
        if descriptor.measure == Measure.DECILE:
            assert set(values.unique()) <= set(range(1, 11)), id
        if descriptor.measure == Measure.RANK:
            assert values.between(1, 32_844).all(), id
        if "numerator" in table and descriptor.measure == Measure.PERCENTAGE:
            both = table["numerator"].notna()
            assert (table["numerator"][both] <= table["denominator"][both]).all(), id


@pytest.mark.real
def test_crime_adds_up_to_the_raw_file(built):
    raw = pq.read_table(
        real("indicators/crime_lsoa_2024.parquet"), columns=["lsoa21_code", "crime_type", "count"]
    ).to_pydict()
    here = set(built["all-crime-2024"].table["area_code"])
    total = Counter()
    for code, kind, count in zip(raw["lsoa21_code"], raw["crime_type"], raw["count"], strict=True):
        if code in here:
            total[kind] += count
    assert sum(total.values()) == 77_008
    told = {
        id: built[id].table["numerator"].sum()
        for id in built
        if built[id].descriptor.themes[0] == "crime" and id[-4:] == "2024"
    }
    assert told["all-crime-2024"] + told["anti-social-behaviour-2024"] == 77_008
    assert (
        told["anti-social-behaviour-2024"]
        == told["anti-social-behaviour-monthly-2024"]
        == total["Anti-social behaviour"]
    )
    assert told["all-crime-monthly-2024"] == told["all-crime-2024"]
    assert told["violence-2024"] == told["violence-monthly-2024"] == total["Violence and sexual offences"]
    assert told["robbery-weapons-2024"] == total["Robbery"] + total["Possession of weapons"]
    assert told["theft-2024"] == total["Other theft"] + total["Theft from the person"] + total["Bicycle theft"]
    for id, kind in (
        ("burglary-2024", "Burglary"),
        ("drug-offences-2024", "Drugs"),
        ("vehicle-crime-2024", "Vehicle crime"),
        ("criminal-damage-2024", "Criminal damage and arson"),
        ("shoplifting-2024", "Shoplifting"),
        ("public-order-2024", "Public order"),
    ):
        assert told[id] == total[kind], id


@pytest.mark.real
def test_absent_forces_are_missing_in_england(catalogue):
    real("")
    one = next(one for one in catalogue if one.id == "violence-2024")
    region = real_geography()
    table = build_layer(one, REAL, region).table.merge(region.england, left_on="area_code", right_on="code")
    lost = table[table["status"] == "missing"]["lad_code"].unique()
    # 32 London boroughs, 10 Greater Manchester, 7 West Midlands, 5 West Yorkshire; Nottinghamshire's 8 lack April.
    assert len(lost) == 32 + 10 + 7 + 5 + 8
    assert "E09000001" not in lost, "the City of London has a force of its own"
    tables.forget()


@pytest.mark.real
def test_spot_checks_against_the_raw_file_in_plain_python(catalogue, built):
    """Every wide-table layer, three areas each, by a second dumb calculation on rows of dictionaries."""
    rows: dict[str, dict] = {}
    checked = 0
    for one in catalogue:
        options = one.source.options
        if one.source.module in ("police_uk", "osm", "nhs_england") or one.descriptor.level != "lsoa":
            continue
        file = one.source.file
        if file not in rows:
            rows[file] = {row[options["area"]]: row for row in pq.read_table(real(file)).to_pylist()}
        table = built[one.id].table
        for at in (0, len(table) // 2, len(table) - 1):
            row, mine = rows[file][table["area_code"].iloc[at]], shown(table, one.descriptor.per).iloc[at]
            if "value" in options:
                expected = row[options["value"]]
                expected = None if expected is None else expected * options.get("scale", 1)
            else:
                parts = [row[name] for name in tables.listed(options["numerator"])]
                expected = None if None in parts else sum(parts)
                if expected is not None and "denominator" in options:
                    whole = sum(row[name] for name in tables.listed(options["denominator"]))
                    expected = expected / whole * one.descriptor.per
            if expected is None or expected != expected:
                assert np.isnan(mine)
            else:
                assert mine == pytest.approx(expected, rel=1e-9, abs=1e-9), (one.id, at)
            checked += 1
    assert checked > 180


@pytest.mark.real
def test_rebuilt_denominators_are_close_to_the_residents(built):
    """Number / rate is an estimate of the residents: within 1% for the region, as the definition says."""
    table = built["income-deprivation-2025"].table
    residents = pq.read_table(real("indicators/population_lsoa21.parquet")).to_pydict()
    people = dict(zip(residents["lsoa21_code"], residents["population"], strict=True))
    told, known = table["denominator"].sum(), sum(people[code] for code in table["area_code"])
    assert abs(told / known - 1) < 0.01
    values = table["numerator"] / table["denominator"] * 100
    assert (values - table["value"]).abs().max() < 0.001, "and the published rate is kept exactly"


@pytest.mark.real
def test_withheld_numbers_really_are_small():
    """The reason for reading a blank as withheld: multiples of 5, none below 10, and blanks only where the rate is tiny."""
    frame = pd.read_parquet(real("indicators/IoD2025_underlying_indicators_LSOA21.parquet"))
    scores = pd.read_parquet(real("indicators/IoD2025_scores_ranks_deciles_LSOA21.parquet"))
    people = pd.read_parquet(real("indicators/population_lsoa21.parquet")).set_index("lsoa21_code")["population"]
    for column in (name for name in frame if name.endswith("numerator")):
        numbers = frame[column].dropna()
        assert (numbers % 5 == 0).all() and numbers.min() == 10
    blank = frame["income_domain_numerator"].isna()
    codes = frame.loc[blank, "LSOA code (2021)"]
    expected = scores.set_index("LSOA code (2021)")["Income Score (rate)"][codes] * people[codes]
    assert blank.sum() == 5 and (expected < 20).all()


@pytest.mark.real
def test_service_counts_against_the_raw_files(built):
    raw = pd.read_csv(real("services/specialist_services.csv"))
    inside = raw[raw["easting"].between(370_000, 460_000) & raw["northing"].between(500_000, 670_000)]
    for id, category in (("drug-alcohol-services", "drug_alcohol"), ("urgent-care", "urgent_care_or_walk_in")):
        assert len(built[id].table) == (inside["category"] == category).sum()
    pharmacies = pd.read_parquet(real("services/pharmacies.parquet"))
    here = pharmacies["easting"].between(370_000, 460_000) & pharmacies["northing"].between(500_000, 670_000)
    assert len(built["pharmacies"].table) == (here & (pharmacies["subtype"] == "Pharmacy")).sum()


@pytest.mark.real
def test_packages_survive_writing_and_reading(built, tmp_path):
    from layers.reading.package import read_package, write_package

    for id in ("private-renting-2021", "children-in-low-income-2025", "violence-monthly-2024", "imd-rank-2019", "pubs"):
        package = built[id]
        again = read_package(write_package(package, tmp_path / id))
        assert again.descriptor == package.descriptor
        assert len(again.table) == len(package.table)
        if package.descriptor.kind == Kind.INDICATOR:
            assert again.table["status"].tolist() == package.table["status"].tolist()
            pd.testing.assert_series_equal(
                shown(again.table, package.descriptor.per),
                shown(package.table, package.descriptor.per),
                check_names=False,
            )


def test_the_guides_worked_example_is_a_good_definition(tmp_path):
    guide = (CATALOGUE.parents[1] / "docs/adding-an-indicator.md").read_text("utf-8")
    file = tmp_path / "shared-ownership-2021.toml"
    file.write_text(re.search(r"```toml\n(.*?)```", guide, re.S).group(1), "utf-8")
    one = read_definition(file)
    assert one.descriptor.measure == Measure.PERCENTAGE and one.national
    for key in KEYS.values():
        assert not key.definition or f"`{key.name}`" in guide or f"[{key.name}]" in guide
    if REAL.is_dir():
        assert len(build_layer(one, REAL, real_geography(NORTH_EAST)).table) == 1257
        tables.forget()


def test_a_rank_whose_worst_is_1_runs_downwards(tmp_path):
    text = source("ranks_2011", value="rank")
    file = definition(tmp_path / "c", text, "rank")
    file.write_text(file.read_text().replace("a unit", "rank (1 is most deprived)"))
    with pytest.raises(Refused, match="1 is worst"):
        read_definition(file)


def test_every_module_says_what_it_understands():
    for name, module in MODULES.items():
        assert module.OPTIONS and callable(module.read), name
        assert module.__doc__
