"""Travel-time tables of a region pack: added after a check, described beside the rows, refused with every reason."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.manifest import pack_faults, write_manifest
from layers.methods.travel import add_travel, load_travel, read_travel_file, travel_faults, travel_tables
from layers.model import Refused

CODES = ["A", "B", "C"]
ABOUT = {"title": "By bus", "level": "lsoa", "services": ["clinics"], "codes": CODES, "service_ids": ["1", "2"]}


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"origin": CODES, "destination": ["1", "1", "2"], "minutes": [5.0, 20.0, None]} | columns)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_is_stored_described_and_read_again(tmp_path, form):
    file = tmp_path / f"bus.{form}"
    table().to_csv(file, index=False) if form == "csv" else table().to_parquet(file)
    stored = add_travel(tmp_path, file, "bus-9am", source="Timetable, OGL", **ABOUT)
    assert (stored.id, stored.title, stored.services, stored.source) == (
        "bus-9am", "By bus", ("clinics",), "Timetable, OGL",
    )  # fmt: skip
    assert travel_tables(tmp_path) == (stored,) and travel_faults(tmp_path) == ()
    rows = load_travel(tmp_path, "bus-9am")
    assert rows["minutes"].tolist()[:2] == [5.0, 20.0] and pd.isna(rows["minutes"].iloc[2])
    assert rows["destination"].astype(str).tolist() == ["1", "1", "2"]
    assert not list((tmp_path / "travel").glob("*.part"))


def test_in_a_pack_with_a_manifest_a_table_is_taken_down_and_a_broken_one_left_out(tmp_path):
    file = tmp_path / "bus.csv"
    table().to_csv(file, index=False)
    pack = tmp_path / "pack"
    (pack / "layers" / "harm").mkdir(parents=True)
    (pack / "layers" / "harm" / "data.csv").write_text("as built")
    write_manifest(pack)
    (pack / "layers" / "harm" / "data.csv").write_text("changed by somebody")
    for name in ("bus", "tram"):
        add_travel(pack, file, name, **ABOUT)
    assert pack_faults(pack, "travel").parts == {}
    assert list(pack_faults(pack).parts) == ["layers/harm"]  # what was wrong elsewhere is not forgiven
    rows = pack / "travel" / "tram.parquet"
    rows.write_bytes(rows.read_bytes()[:-1])
    assert [each.id for each in travel_tables(pack)] == ["bus"]
    assert [fault.where for fault in travel_faults(pack)] == ["travel/tram.parquet"]
    with pytest.raises(Refused, match="cannot be used"):
        load_travel(pack, "tram")
    assert len(load_travel(pack, "bus")) == 3
    rows.unlink()
    assert [each.id for each in travel_tables(pack)] == ["bus"]
    add_travel(pack, file, "tram", **ABOUT)
    assert travel_faults(pack) == ()


def test_r5py_headers_and_a_byte_order_mark_are_understood(tmp_path):
    file = tmp_path / "r5.csv"
    file.write_text("\ufefffrom_id,to_id,travel_time\nA,1,5\nB,1,9\nC,2,\n", "utf-8")
    assert add_travel(tmp_path, file, "r5", **ABOUT).id == "r5"
    assert list(load_travel(tmp_path, "r5").columns) == ["origin", "destination", "minutes"]


def test_a_bad_table_is_refused_with_every_reason_and_nothing_is_stored(tmp_path):
    file = tmp_path / "bad.csv"
    table(origin=["A", "B", "X"], destination=["1", "9", "2"], minutes=[5, -1, 3]).to_csv(file, index=False)
    with pytest.raises(Refused) as caught:
        add_travel(tmp_path, file, "bad", **ABOUT)
    assert {fault.rule for fault in caught.value.faults} == {
        "travel-origin-unknown", "travel-origin-missing", "travel-destination", "travel-minutes",
    }  # fmt: skip
    assert not (tmp_path / "travel").exists()


def test_what_is_said_about_it_is_checked(tmp_path):
    file = tmp_path / "bus.csv"
    table().to_csv(file, index=False)
    for change in ({"title": " "}, {"level": "street"}, {"services": []}):
        with pytest.raises(Refused):
            add_travel(tmp_path, file, "bus", **(ABOUT | change))
    with pytest.raises(Refused, match="cannot be stored"):
        add_travel(tmp_path, file, "../bus", **ABOUT)


@pytest.mark.parametrize("name", ["gone.csv", "broken.parquet", "broken.csv"])
def test_a_file_that_is_none(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b'\x00\xff"')
    for read in (
        lambda: read_travel_file(tmp_path / name),
        lambda: add_travel(tmp_path, tmp_path / name, "x", **ABOUT),
    ):
        with pytest.raises(Refused, match="cannot be read") as caught:
            read()
        (fault,) = caught.value.faults
        assert (fault.where, fault.rule, fault.todo) == (name, "travel-file", "hand in a CSV or Parquet file")
        assert fault.what and str(tmp_path) not in str(caught.value)  # whoever chooses the table on the map reads this
    assert not (tmp_path / "travel").exists()


def test_descriptions_that_cannot_be_read_are_named_and_not_offered(tmp_path):
    folder = tmp_path / "travel"
    folder.mkdir()
    (folder / "half.toml").write_text('title = "Half"\nlevel = "lsoa"\nservices = ["a"]\n')  # without its rows
    (folder / "odd.toml").write_text("title = [")
    table().to_parquet(folder / "thin.parquet")
    (folder / "thin.toml").write_text('title = "Thin"\n')
    assert travel_tables(tmp_path) == ()
    assert [fault.where for fault in travel_faults(tmp_path)] == [
        "travel/half.toml",
        "travel/odd.toml",
        "travel/thin.toml",
    ]
    with pytest.raises(Refused):
        load_travel(tmp_path, "nothing")
    with pytest.raises(Refused):
        load_travel(tmp_path, "../../etc/passwd")
    assert travel_tables(tmp_path / "nowhere") == ()
