"""``commonground layers``: a layer's whole life from commands, with what is printed and the exit status."""

from __future__ import annotations

import csv
import json
import zipfile

import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard.cli import main
from layers import PUBLIC, SYSTEM, load_region, open_store

CODES = [f"T{i:02d}" for i in range(1, 17)]


@pytest.fixture()
def run(tiny_pack, tmp_path, monkeypatch):
    """Run a command against a store of its own; returns click's Result."""
    for name, value in {"REGION": tiny_pack, "HOME": tmp_path / "home"}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    monkeypatch.delenv("COMMONGROUND_DATABASE_URL", raising=False)
    return lambda *words, **more: CliRunner().invoke(main, [str(word) for word in words], **more)


@pytest.fixture()
def store(tiny_pack, tmp_path, run):
    home = tmp_path / "home"
    home.mkdir()
    opened = open_store(f"sqlite:///{home / f'store-{tiny_pack.name}.sqlite'}", load_region(tiny_pack))
    for name, role, partner in (
        ("ada", "admin", "icb"),
        ("wes", "analyst", "westshire"),
        ("wendy", "viewer", "westshire"),
        ("eli", "analyst", "eastshire"),
    ):
        opened.accounts.add_user(name, role=role, partner=partner, by=SYSTEM)
    yield opened
    opened.close()


def write(folder, *, name="noise", first=1.0, rows=None, headers=("area_code", "value"), **ours):
    """A package of a score for all sixteen areas: ``first`` for T01, one more for each next area."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = rows if rows is not None else [(code, first + i) for i, code in enumerate(CODES)]
    with (folder / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([headers, *rows])
    ours = {
        "kind": "indicator", "theme": "housing", "partner": "westshire", "measure": "score", "unit": "points",
        "direction": "high-is-worse", "geography": {"level": "lsoa", "vintage": 2021}, "period": "2025",
        "columns": {header: header for header in headers},
    } | ours  # fmt: skip
    document = {
        "name": name,
        "title": "Noise",
        "profile": "tabular-data-package",
        "licenses": [{"name": "OGL-UK-3.0"}],
        "sources": [{"title": "Made up for the tests"}],
        "resources": [{"name": "data", "path": "data.csv"}],
        "commonground": ours,
    }
    (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")
    return folder


def value_of(store, layer_id="noise", code="T01", viewer=PUBLIC, **more):
    frame = store.values(layer_id, "lsoa", viewer, **more).frame
    return float(frame.set_index("area_code").at[code, "value"])


# ---- validate --------------------------------------------------------------------------------------------------------


def test_validate_prints_the_whole_report(run, tmp_path):
    rows = [("T01", "1"), ("T02", "n/k"), ("T03", "3"), ("T03", "4"), ("T99", "5")]
    result = run("layers", "validate", write(tmp_path / "p", rows=rows))
    assert result.exit_code == 1
    text = result.stdout
    assert "Boundaries:" in text  # the detective's sentence
    assert "Errors:" in text and "row 3" in text and "column value" in text and "'n/k'" in text
    assert "row 5" in text  # T03 twice
    assert "T99" in text
    assert "Westshire: " in text and "Eastshire: " in text  # coverage by authority
    assert text.splitlines()[-1].startswith(("1 error stops", "2 errors stop", "3 errors stop"))


def test_validate_as_json_is_one_document_and_nothing_else(run, tmp_path):
    result = run("layers", "validate", write(tmp_path / "p"), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["ok"] is True
    assert report["counts"]["rows"] == 16
    covered = sorted((row["lad_code"], row["areas"], row["with_value"]) for row in report["coverage"])
    assert covered == [("TA", 8, 8), ("TB", 8, 8)]
    wrong = run("layers", "validate", write(tmp_path / "q", rows=[("T01", "x1")]), "--json")
    assert wrong.exit_code == 1
    fault = next(fault for fault in json.loads(wrong.stdout)["faults"] if fault["severity"] == "error")
    assert (fault["row"], fault["column"], fault["value"]) == (2, "value", "x1")


def test_validate_changes_nothing_and_needs_no_store(run, tmp_path):
    assert run("layers", "validate", write(tmp_path / "p")).exit_code == 0
    assert not list((tmp_path / "home").glob("*.sqlite*"))


def test_a_bare_csv_takes_its_descriptor_from_beside_it_or_from_set(run, tmp_path):
    folder = write(tmp_path / "p")
    (tmp_path / "noise.csv").write_bytes((folder / "data.csv").read_bytes())
    alone = run("layers", "validate", tmp_path / "noise.csv", "--json")
    assert alone.exit_code == 1  # nobody has said what it is
    said = [
        f"--set={text}"
        for text in ("name=noise", "title=Noise", "theme=housing", "partner=westshire", "measure=score", "unit=points",
                     "period=2025", "level=lsoa", "vintage=2021", "columns.value=value")
    ]  # fmt: skip
    assert json.loads(run("layers", "validate", tmp_path / "noise.csv", *said, "--json").stdout)["ok"] is True
    (tmp_path / "noise.datapackage.json").write_bytes((folder / "datapackage.json").read_bytes())
    assert json.loads(run("layers", "validate", tmp_path / "noise.csv", "--json").stdout)["ok"] is True


def test_rows_that_are_kept_out_are_written_with_the_reason(run, tmp_path):
    rows = [*((code, "1") for code in CODES), ("T99", "5")]
    out = tmp_path / "rejected.csv"
    result = run("layers", "validate", write(tmp_path / "p", rows=rows), "--rejected", out)
    assert "wrote 1 row that is kept out" in result.stderr
    rejected = pd.read_csv(out)
    assert rejected[["row", "area_code"]].to_numpy().tolist() == [[18, "T99"]]
    assert "unknown code" in rejected.at[0, "reason"]


def test_validate_as_a_user_compares_with_what_is_published(run, store, tmp_path):
    assert run("layers", "publish", write(tmp_path / "p"), "--by", "wes").exit_code == 0
    folder = write(tmp_path / "q", rows=[(code, i + 1) for i, code in enumerate(CODES[:-1])])
    alone = json.loads(run("layers", "validate", folder, "--json").stdout)
    compared = json.loads(run("layers", "validate", folder, "--as", "wes", "--json").stdout)
    stranger = json.loads(run("layers", "validate", folder, "--as", "eli", "--json").stdout)
    assert "areas-gone" in {fault["rule"] for fault in compared["faults"]}  # T16 was published before
    assert "areas-gone" not in {fault["rule"] for fault in alone["faults"]}
    assert stranger["faults"] == alone["faults"]  # the original of another partner is not theirs to compare with


@pytest.mark.parametrize(
    "words",
    [
        ("layers", "validate", "nothing-here"),
        ("layers", "validate"),
        ("layers", "publish", "."),  # --by is missing
        ("layers", "rollback", "harm", "--by", "ada", "--reason", "x"),  # --to is missing
        ("layers", "publish", ".", "--by", "ada", "--at", "tomorrow"),
        ("layers", "validate", ".", "--set", "vintage"),
    ],
)
def test_wrong_usage_has_exit_status_2(run, words):
    assert run(*words).exit_code == 2


# ---- publish, roll back, withdraw ------------------------------------------------------------------------------------


def test_a_layer_is_published_replaced_rolled_back_and_withdrawn(run, store, tmp_path):
    first = run("layers", "publish", write(tmp_path / "p"), "--by", "wes", "--note", "First try", "--json")
    assert first.exit_code == 0, first.output
    answer = json.loads(first.stdout)
    assert (answer["ok"], answer["layer"], answer["version"], answer["published_by"]) == (True, "noise", 1, "wes")

    second = run(
        *("layers", "publish", write(tmp_path / "q", first=2.0), "--by", "wes", "--checked-by", "ada"),
        *("--review-on", "2027-03-31", "--expecting", "1"),
    )
    assert second.exit_code == 0, second.output
    assert "16 areas changed" in second.stdout
    assert "Version 2 of 'noise' is published and is shown now." in second.stdout

    lines = run("layers", "history", "noise").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["v2", "current"], ["v1", "superseded"]]
    versions = json.loads(run("layers", "history", "noise", "--as", "wes", "--json").stdout)["versions"]
    assert [(v["version"], v["checked_by"], v["review_on"]) for v in versions] == [
        (2, "ada", "2027-03-31"),
        (1, "", ""),
    ]

    back = run("layers", "rollback", "noise", "--to", "1", "--by", "wes", "--reason", "A typing error", "--json")
    assert (back.exit_code, json.loads(back.stdout)["version"]) == (0, 1)
    assert "noise" in run("layers", "list").stdout

    gone = run("layers", "withdraw", "noise", "--by", "wes", "--reason", "The source was wrong")
    assert gone.exit_code == 0
    assert "noise" not in run("layers", "list").stdout
    told = run("layers", "history", "noise", "--json")
    assert told.exit_code == 1
    assert "The source was wrong" in json.loads(told.stdout)["title"]


def test_a_zip_is_published_like_a_folder(run, store, tmp_path):
    folder = write(tmp_path / "p")
    with zipfile.ZipFile(tmp_path / "noise.zip", "w") as made:
        for file in folder.iterdir():
            made.write(file, file.name)
    assert run("layers", "publish", tmp_path / "noise.zip", "--by", "wes").exit_code == 0
    assert value_of(store, code="T03") == 3.0


def test_publish_at_a_date_waits_for_it(run, store, tmp_path):
    run("layers", "publish", write(tmp_path / "p"), "--by", "wes")
    result = run("layers", "publish", write(tmp_path / "q", first=50.0), "--by", "wes", "--at", "2099-07-01", "--json")
    assert json.loads(result.stdout)["effective_at"] == "2099-06-30T23:00:00+00:00"  # midnight in the UK, in summer
    assert value_of(store) == 1.0
    states = [line.split()[1] for line in run("layers", "history", "noise", "--as", "wes").stdout.splitlines()]
    assert states == ["scheduled", "current"]
    assert len(run("layers", "history", "noise").stdout.splitlines()) == 1  # nobody else knows of it


def test_a_period_is_appended(run, store, tmp_path):
    run("layers", "publish", write(tmp_path / "p", period="2024"), "--by", "wes")
    result = run("layers", "publish", write(tmp_path / "q", first=7.0, period="2025"), "--by", "wes", "--append")
    assert result.exit_code == 0, result.output
    assert [value_of(store, period=period) for period in ("2024", "2025")] == [1.0, 7.0]


def test_a_refused_file_publishes_nothing_and_leaves_one_audit_line(run, store, tmp_path):
    before = len(store.audit(SYSTEM))
    result = run("layers", "publish", write(tmp_path / "p", rows=[("T01", "x1")]), "--by", "wes", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["ok"], answer["faults"][0]["row"]) == (False, 2)
    lines = store.audit(SYSTEM)
    assert [line.action for line in lines[: len(lines) - before]] == ["upload-refused"]
    assert run("layers", "history", "noise").exit_code == 1


def test_an_analyst_publishes_for_their_own_partner_only(run, store, tmp_path):
    for user, words in (("eli", "may publish layers of 'eastshire' only"), ("wendy", "is a viewer")):
        result = run("layers", "publish", write(tmp_path / "p"), "--by", user, "--json")
        assert result.exit_code == 1
        assert words in json.loads(result.stdout)["title"]
    run("layers", "publish", write(tmp_path / "p"), "--by", "wes")
    taken = run("layers", "publish", write(tmp_path / "q", partner="eastshire"), "--by", "eli")
    assert (taken.exit_code, "is taken by another partner" in taken.stderr) == (1, True)
    for words in (("rollback", "noise", "--to", "1"), ("withdraw", "noise")):
        result = run("layers", *words, "--by", "eli", "--reason", "I want to")
        assert (result.exit_code, "Only analysts of Westshire Council" in result.stderr) == (1, True)
    assert run("layers", "withdraw", "noise", "--by", "ada", "--reason", "An admin may").exit_code == 0


def test_nobody_checks_their_own_work(run, store, tmp_path):
    result = run("layers", "publish", write(tmp_path / "p"), "--by", "wes", "--checked-by", "WES")
    assert (result.exit_code, "nobody checks their own work" in result.stderr) == (1, True)
    assert run("layers", "publish", write(tmp_path / "p"), "--by", "wes", "--checked-by", "ghost").exit_code == 1


@pytest.mark.parametrize("by", ["nobody", "system", "public", ""])
def test_by_takes_an_account_and_nothing_else(run, store, tmp_path, by):
    result = run("layers", "publish", write(tmp_path / "p"), "--by", by)
    assert result.exit_code == 1
    assert not any(layer.id == "noise" for layer in store.layers(SYSTEM))


def test_a_disabled_account_publishes_nothing(run, store, tmp_path):
    store.accounts.disable_user("wes", by=SYSTEM)
    result = run("layers", "publish", write(tmp_path / "p"), "--by", "wes")
    assert (result.exit_code, "is disabled" in result.stderr) == (1, True)


def test_a_newer_version_than_the_publisher_knew_of_is_a_refusal(run, store, tmp_path):
    run("layers", "publish", write(tmp_path / "p"), "--by", "wes", "--expecting", "0")
    result = run("layers", "publish", write(tmp_path / "p"), "--by", "wes", "--expecting", "0", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"][0]["rule"] == "overtaken"


def test_undoing_needs_a_reason_and_a_version_that_was_shown(run, store, tmp_path):
    run("layers", "publish", write(tmp_path / "p"), "--by", "wes")
    assert run("layers", "withdraw", "noise", "--by", "wes", "--reason", " ").exit_code == 1
    assert run("layers", "rollback", "noise", "--to", "9", "--by", "wes", "--reason", "x").exit_code == 1
    assert (
        run("layers", "rollback", "noise", "--to", "1", "--by", "wes", "--reason", "x").exit_code == 1
    )  # shown already
    assert run("layers", "withdraw", "ghost", "--by", "wes", "--reason", "x").exit_code == 1


def test_list_as_json_agrees_with_the_text(run, store):
    ids = [layer["id"] for layer in json.loads(run("layers", "list", "--json").stdout)["layers"]]
    assert sorted(ids) == ["clinics", "crowded", "harm", "poverty-rank"]
    assert [line.split()[0] for line in run("layers", "list").stdout.splitlines()] == ids


def test_what_was_checked_is_kept_with_the_version(run, store, tmp_path):
    run("layers", "publish", write(tmp_path / "p"), "--by", "wes")
    (version,) = json.loads(run("layers", "history", "noise", "--as", "wes", "--json").stdout)["versions"]
    assert version["report"]["checks"]["counts"]["rows"] == 16
    assert version["report"]["checks"]["columns"]["area_code"] == "area_code"


def test_a_layer_follows_the_region_pack_again(run, store, tmp_path):
    was = value_of(store, "crowded", "T03")
    folder = write(tmp_path / "p", name="crowded", first=50.0)
    assert run("layers", "publish", folder, "--by", "wes").exit_code == 0
    store.reload()
    assert value_of(store, "crowded", "T03") != was
    refused = run("layers", "follow", "crowded", "--by", "eli", "--reason", "Try", "--json")
    assert refused.exit_code == 1
    back = run("layers", "follow", "crowded", "--by", "wes", "--reason", "It is kept better there", "--json")
    assert (back.exit_code, json.loads(back.stdout)["version"]) == (0, 3)
    store.reload()
    assert value_of(store, "crowded", "T03") == was
    again = run("layers", "follow", "crowded", "--by", "wes", "--reason", "Twice")
    assert again.exit_code == 1 and "follows the region pack already" in again.output


# ---- bare files, recipes, many at once, records of people ------------------------------------------------------------


BARE = "area_code,Sex,Rate\n" + "".join(
    f"{code},{sex},{i}\n" for i, code in enumerate(CODES) for sex in ("Men", "Persons")
)
SAID = """
name = "noise"
title = "Noise"
theme = "alcohol"
partner = "westshire"
measure = "score"
unit = "points"
direction = "high-is-worse"
period = "2025"
"""


def test_a_bare_file_is_asked_about_and_published_by_its_answers(run, store, tmp_path):
    import tomllib

    file, recipe = tmp_path / "noise.csv", tmp_path / "r.toml"
    file.write_text(BARE, "utf-8")
    stopped = run("layers", "publish", file, "--by", "wes", "--json")
    said = json.loads(stopped.stdout)
    assert stopped.exit_code == 1 and said["ok"] is False and said["recipe"] == ""
    asked = {question["key"]: question for question in said["questions"]}
    assert {"keep", "name", "title", "theme", "partner", "measure", "period"} <= set(asked)
    assert [set(one) for one in said["questions"]] == [{"key", "question", "where", "choices"}] * len(said["questions"])
    assert asked["title"]["choices"] is None
    persons = next(one["set"] for one in asked["keep"]["choices"] if "Persons" in one["words"])
    assert tomllib.loads(persons) == {"keep": {"Sex": "Persons"}}
    for choices in (one["choices"] or () for one in said["questions"]):
        assert all(tomllib.loads(one["set"]) for one in choices)  # each is a line of TOML
    recipe.write_text(SAID + persons + "\n", "utf-8")
    done = run("layers", "publish", file, "--by", "wes", "--recipe", recipe, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["layer"] == "noise"
    recipe.write_text("nonsense = 1\n", "utf-8")
    wrong = run("layers", "publish", file, "--by", "wes", "--recipe", recipe, "--json")
    assert wrong.exit_code == 1 and json.loads(wrong.stdout)["faults"][0]["column"] == "nonsense"


def test_a_manifest_publishes_each_or_says_why_not(run, store, tmp_path):
    (tmp_path / "noise.csv").write_text(BARE, "utf-8")
    (tmp_path / "r.toml").write_text(SAID + 'keep.Sex = "Persons"\n', "utf-8")
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(
        '[[layer]]\nfile = "noise.csv"\nid = "first"\nrecipe = "r.toml"\n[[layer]]\nfile = "noise.csv"\nid = "second"\n',
        "utf-8",
    )
    done = run("layers", "publish", manifest, "--by", "wes", "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 1 and [one["ok"] for one in said["layers"]] == [True, False]
    assert said["layers"][0]["layer"] == "first" and "keep" in {one["key"] for one in said["layers"][1]["questions"]}
    manifest.write_text("[[layer]]\nfile = 'none.csv'\nodd = 1\n", "utf-8")
    wrong = run("layers", "publish", manifest, "--by", "wes", "--json")
    assert wrong.exit_code == 1 and len(json.loads(wrong.stdout)["faults"]) == 2


def test_records_of_people_are_refused_and_counted(run, store, tmp_path):
    people, out = tmp_path / "people.csv", tmp_path / "counts.csv"
    people.write_text(
        "Date of birth,Surname,Postcode\n" + "01/02/1960,A,NE1 4ST\n" * 3 + "01/02/1960,A,nowhere\n", "utf-8"
    )
    refused = run("layers", "publish", people, "--by", "wes", "--json")
    assert refused.exit_code == 1 and json.loads(refused.stdout)["faults"][0]["rule"] == "people"
    counted = run("layers", "count", people, "--by", "postcode", "--out", out, "--json")
    said = json.loads(counted.stdout)
    assert counted.exit_code == 0 and (said["records"], said["unplaced"]) == (4, 1)
    assert said["placed"] + said["outside"] == 3
    header, *rows = out.read_text("utf-8").splitlines()
    assert header == "area_code,count" and len(rows) == 16 and "NE1" not in out.read_text("utf-8")
    assert sum(int(row.split(",")[1]) for row in rows) == said["placed"]
