"""``commonground gaps``, ``together`` and ``site``: what is printed, exit statuses, and the numbers of the API."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.selection import Selection

GAPS = ("gaps", "--need", "crowded", "--services", "clinics")
SITE = ("site", "--need", "crowded", "--services", "clinics")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture()
def run(tiny_pack, home, monkeypatch):
    """Run a command on Tinyland; returns click's Result."""
    for name, value in {"REGION": tiny_pack, "HOME": home}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    monkeypatch.delenv("COMMONGROUND_DATABASE_URL", raising=False)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (GAPS, "/api/v1/gaps?need=crowded&services=clinics"),
        (
            ("gaps", "--need", "harm=2", "--services", "clinics", "--level", "ward", "--robustness", 0),
            "/api/v1/gaps?need=harm=2&services=clinics&level=ward&robustness=0",
        ),
        (
            (*GAPS, "--metric", "e2sfca", "--max-m", 2000, "--partner", "westshire", "--detour", 1.2, "--alone"),
            "/api/v1/gaps?need=crowded&services=clinics&metric=e2sfca&max_m=2000&partner=westshire&detour=1.2&alone=yes",
        ),
        (("together", "--services", "clinics"), "/api/v1/together?services=clinics"),
        (("together", "--services", "clinics", "--need", "harm"), "/api/v1/together?services=clinics&need=harm"),
        ((*SITE, "--new", 2), "/api/v1/sites?need=crowded&services=clinics&new=2"),
        (
            (*SITE, "--new", 1, "--objective", "p-median", "--demand", "all", "--exclude", "TA"),
            "/api/v1/sites?need=crowded&services=clinics&new=1&objective=p-median&demand=all&exclude=TA",
        ),
        ((*SITE, "--objective", "lscp"), "/api/v1/sites?need=crowded&services=clinics&objective=lscp"),
    ],
)
def test_the_command_gives_the_numbers_of_the_api(run, client, words, address):
    said = run(*words, "--json")
    assert said.exit_code == 0, said.output
    answer = client.get(address).get_json()
    answer.pop("state", None)
    ours = json.loads(said.stdout)
    for document in (answer, ours):  # two stores, each filled at its own time
        for layer in document.get("layers", ()):
            del layer["published_at"]
    assert ours == answer


def test_a_table_for_people(run):
    said = run(*GAPS)
    assert said.exit_code == 0
    assert "Underserved here means: need in the worst fifth" in said.stdout
    assert "1*  North East  " in said.stdout and "* shared between authorities" in said.stdout
    together = run("together", "--services", "clinics").stdout
    assert "Eastshire" in together and "These are straight lines" in together
    plan = run(*SITE).stdout
    assert "1. North East, Eastshire" in plan and "By need" in plan


def test_files_in_other_forms(run, tmp_path):
    rows = list(csv.DictReader(io.StringIO(run(*GAPS, "--format", "csv").stdout)))
    assert [row["code"] for row in rows if row["underserved"] == "yes"] == ["T14", "T15", "T16"]
    out = tmp_path / "gaps.geojson"
    said = run(*GAPS, "--format", "geojson", "--out", out)
    assert (said.exit_code, said.stdout) == (0, "")
    assert len(json.loads(out.read_text("utf-8"))["features"]) == 16
    assert len(json.loads(run(*SITE, "--format", "geojson").stdout)["features"]) == 1


def test_travel_times_in_place_of_distance(run, tmp_path):
    """Every square is 5 minutes from C1 but T16, which is 90 from it; nobody reaches C2. The standard of 1,000 m on foot
    at 4.8 km/h is 12.5 minutes, so of the squares with high need only T16 is underserved."""
    file = tmp_path / "times.csv"
    lines = [f"T{i:02d},C1,{90 if i == 16 else 5}" for i in range(1, 17)]
    file.write_text("\n".join(["origin,destination,minutes", *lines]), "utf-8")
    document = json.loads(run(*GAPS, "--travel", file, "--json").stdout)
    assert [area["code"] for area in document["areas"] if area["underserved"]] == ["T16"]
    assert document["parameters"]["max_min"] == pytest.approx(12.5)
    file.write_text("\n".join(["origin,destination,minutes", *lines[:-1], "T99,C1,5"]), "utf-8")
    said = run(*GAPS, "--travel", file)
    assert said.exit_code == 1 and "T99" in said.stderr and "T16" in said.stderr


def test_candidates_of_ones_own(run, tmp_path):
    file = tmp_path / "places.csv"
    file.write_text("code,easting,northing\n01,422500,563500\n02,420500,560500\n", "utf-8")
    document = json.loads(run(*SITE, "--candidates", file, "--json").stdout)
    assert [site["code"] for site in document["sites"]] == ["01"]
    assert run(*SITE, "--new", 3, "--candidates", file).exit_code == 1
    assert run(*SITE, "--candidates", tmp_path / "gone.csv").exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gaps", "--need", "nothing", "--services", "clinics"), "nothing"),
        (("gaps", "--need", "poverty-rank", "--services", "clinics"), "is a rank"),
        (("gaps", "--need", "crowded=0", "--services", "clinics"), "all weights are 0"),
        ((*GAPS, "--max-m", "-1"), "max_m is -1"),
        ((*GAPS, "--partner", "nobody"), "there is no partner 'nobody'"),
        ((*GAPS, "--robustness", "10001"), "10001 draws"),
        ((*GAPS, "--robustness", "-1"), "-1 draws"),
        ((*GAPS, "--period", "1999"), "no indicator has the period '1999'"),
        ((*SITE, "--new", "0"), "0 new sites were asked for"),
        ((*SITE, "--new", "17"), "16 candidates"),
        ((*SITE, "--exclude", "Z9"), "unknown places: Z9"),
    ],
)
def test_what_makes_no_sense_ends_with_1_and_the_reasons(run, words, said):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    as_json = run(*words, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["ok"] is False


@pytest.mark.parametrize(
    "words",
    [
        ("gaps", "--services", "clinics"),
        ("gaps", "--need", "crowded"),
        ("gaps", "--need", "crowded=x", "--services", "clinics"),
        (*GAPS, "--metric", "fastest"),
        (*GAPS, "--max-m", "far"),
        (*GAPS, "--format", "xml"),
        ("together",),
        (*SITE, "--objective", "best"),
        (*SITE, "--format", "csv"),
    ],
)
def test_wrong_usage_ends_with_2(run, words):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")


def test_sites_alone_and_by_travel_times(run, client, tmp_path):
    """As the API: what counts as underserved is measured alone, or by times; new sites are planned in straight lines."""
    alone = run(*SITE, "--alone", "--json")
    assert alone.exit_code == 0, alone.output
    answer = client.get("/api/v1/sites?need=crowded&services=clinics&alone=yes").get_json()
    assert json.loads(alone.stdout)["sites"] == answer["sites"] and answer["parameters"]["alone"] is True
    file = tmp_path / "times.csv"
    lines = [f"T{i:02d},C1,{90 if i == 16 else 5}" for i in range(1, 17)]
    file.write_text("\n".join(["origin,destination,minutes", *lines]), "utf-8")
    document = json.loads(run(*SITE, "--travel", file, "--json").stdout)
    assert document["parameters"]["distance"] == "minutes of a supplied travel-time table"
    assert document["result"]["demand"] == 1_600  # only the residents of T16 are too far
    missing = run(*SITE, "--travel", "gone")
    assert (missing.exit_code, "there is no travel-time table 'gone'" in missing.stderr) == (1, True)


def test_the_same_words_for_too_many_indicators(run, client):
    many = ",".join(f"n{i}" for i in range(21))
    said = run("gaps", "--need", many, "--services", "clinics")
    assert (said.exit_code, "it takes at most 20 indicators" in said.stderr) == (2, True)
    answer = client.get(f"/api/v1/gaps?need={many}&services=clinics").get_json()
    assert "it takes at most 20 indicators" in answer["error"]["message"]
    assert "it takes at most 20 indicators" in Selection.from_query({"need": many})[1][0]
