"""NHS sites: names, choices, points."""

from __future__ import annotations

import pytest

from layers.model import Refused
from layers.sources import nhs_england, tables
from tests.layers.official import write_official


@pytest.fixture
def folder(tmp_path):
    yield write_official(tmp_path) / "services"
    tables.forget()


def test_sites_without_a_point_are_left_out_and_counted(folder):
    sites = nhs_england.read(folder / "sites.parquet", {"category": "GP practice", "as_of": "2025-11"})
    assert sites["service_id"].tolist() == ["B2", "A1", "C3"]
    assert sites.attrs["without_a_point"] == 1
    assert sites["postcode"].tolist()[1] == "NE1 1AB"
    assert sites["address"].iloc[0] == "1 High Street, Newcastle upon Tyne"
    assert set(sites["category"]) == {"GP practice"} and set(sites["as_of"]) == {"2025-11"}


def test_keep_takes_only_some_and_refuses_unknown_values(folder):
    kept = nhs_england.read(folder / "sites.parquet", {"keep": {"subtype": ["Pharmacy"]}})
    assert len(kept) == 3 and kept.attrs["without_a_point"] == 0
    with pytest.raises(Refused) as raised:
        nhs_england.read(folder / "sites.parquet", {"keep": {"subtype": ["Chemist"]}})
    assert "Contractor, Pharmacy" in raised.value.faults[0].todo


def test_a_trust_site_is_called_by_the_name_that_has_the_word(folder):
    sites = nhs_england.read(folder / "trusts.parquet", {"table": "trust_sites", "name_has": ["HOSPITAL", "INFIRMARY"]})
    assert sites["name"].tolist() == [
        "Quayside Hospital"
    ]  # the shortest that says so; the library clinic is no hospital
    assert sites["service_id"].tolist() == ["site-ne12aa"]


def test_repeated_identifiers_are_refused(folder):
    import pandas as pd

    file = folder / "sites.parquet"
    pd.read_parquet(file).assign(org_code="A1").to_parquet(file)
    with pytest.raises(Refused, match="stands twice"):
        nhs_england.read(file, {})


@pytest.mark.parametrize(
    ("shouted", "said"),
    [
        ("ST NICHOLAS HOSPITAL", "St Nicholas Hospital"),
        ("DR O'NEILL & PARTNERS", "Dr O'Neill & Partners"),
        ("CHESTER-LE-STREET  HOSPITAL", "Chester-le-Street Hospital"),
        ("THE NHS CENTRE OF TYNE", "The NHS Centre of Tyne"),
        ("STFT A&E DEPARTMENT", "STFT A&E Department"),
        ("81-88 WHINNEY HILL,OLD ELVET", "81-88 Whinney Hill, Old Elvet"),
        ("Already Mixed NAME", "Already Mixed NAME"),
        ("", ""),
    ],
)
def test_readable(shouted, said):
    assert nhs_england.readable(shouted) == said
