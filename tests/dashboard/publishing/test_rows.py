"""“Which rows and columns”: asked where a file has two readings, said on every later step, kept with the version."""

from __future__ import annotations

import io

import openpyxl
import pandas as pd
import pytest

from layers import PUBLIC, SYSTEM
from tests.dashboard.publishing.test_wizard import (
    begin,
    filled,
    revision,
    send,
    site,
    step,
    streets,
    walk,
)
from tests.layers.store_fixtures import CODES

__all__ = ["filled", "site"]


def book(sheets: dict[str, list[list]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def answer_rows(client, draft: str, *given: int, **more):
    page = client.get(f"{draft}/columns").text
    data = {
        "revision": revision(page),
        "action": "rows",
        **{f"q{at}": str(one) for at, one in enumerate(given)},
        **more,
    }
    return client.post(f"{draft}/columns", data=data)


def test_a_plain_file_is_asked_nothing(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    assert "Which rows and columns" not in ann.get(f"{draft}/columns").text


@pytest.mark.parametrize("chosen", [0, 1])
def test_the_sheet_that_is_chosen_is_shown_posted_and_named(site, chosen):
    """Two sheets with equal headers: last year's cannot be published as this year's."""
    wide = {"2021": [["area_code", "Rate"]], "2022": [["area_code", "Rate"]]}
    for at, code in enumerate(CODES):
        wide["2021"].append([code, 10 + at])
        wide["2022"].append([code, 50 + at])
    wide["2022"][-1].append("x")  # the fuller one
    ann = site.client("ann")
    draft = begin(ann, book(wide), "rates.xlsx")
    page = ann.get(f"{draft}/columns").text
    if "Which rows and columns" not in page:  # codes of this region look like none of the official ones
        assert "<option selected>2022</option>" in page
        again = step(ann, draft, "columns")  # nothing was changed, so nothing changes
        assert again.headers["Location"].endswith("/describe")
        assert "2022" in ann.get(f"{draft}/columns").text
        return
    assert answer_rows(ann, draft, chosen).status_code == 303
    title = ("2022", "2021")[chosen]
    page = ann.get(f"{draft}/columns").text
    assert f"<option selected>{title}</option>" in page and f"Sheet “{title}”" in page
    walk(ann, draft, measure="score")
    for name in ("check", "publish"):
        assert (
            f"Sheet “{title}”" in ann.get(f"{draft}/{name}").text
            or f"sheet “{title}”" in ann.get(f"{draft}/{name}").text
        )
    step(ann, draft, "publish")
    values = site.store.values("noisy-streets-westshire", "lsoa", PUBLIC).frame
    assert values["value"].tolist()[0] == (50, 10)[chosen]
    version = site.store.history("noisy-streets-westshire", PUBLIC)[0]
    assert version.report["checks"]["read"]["sheet"] == title


def breakdown() -> pd.DataFrame:
    rows = [
        (code, sex, at + more)
        for at, code in enumerate(CODES)
        for sex, more in (("Male", 100), ("Persons", 0), ("Female", 200))
    ]
    return pd.DataFrame(rows, columns=["area_code", "Sex", "Rate"])


def test_a_breakdown_is_asked_kept_and_used_for_the_next_file(site):
    ann = site.client("ann")
    draft = begin(ann, breakdown())
    page = ann.get(f"{draft}/columns").text
    assert "Which rows and columns" in page and "told apart by “Sex”" in page and "Only “Persons”: 16 rows" in page
    wrong = answer_rows(ann, draft)
    assert wrong.status_code == 422 and "Choose an answer" in wrong.text
    assert answer_rows(ann, draft, 0).status_code == 303
    assert "only rows with Sex “Persons”" in ann.get(f"{draft}/columns").text.replace("Only rows", "only rows")
    walk(ann, draft, measure="score")
    check = ann.get(f"{draft}/check").text
    assert "16 rows with “Persons” were read, 32 others left out" in check and "32 rows left out" in check
    step(ann, draft, "publish")
    values = site.store.values("noisy-streets-westshire", "lsoa", PUBLIC).frame
    assert values["value"].tolist() == [float(at) for at in range(16)]
    again = begin(ann, breakdown(), layer="noisy-streets-westshire")  # next year's file is read the same way
    page = ann.get(f"{again}/columns").text
    assert "told apart by" not in page and "Sex “Persons”" in page
    assert "told apart by “Sex”" in ann.get(f"{again}/columns?rows=1").text  # and may be read otherwise


def test_records_of_people_leave_nothing(site):
    rows = pd.DataFrame({"Date of birth": ["01/02/1960"] * 5, "Surname": list("abcde"), "Postcode": ["NE1 4ST"] * 5})
    ann = site.client("ann")
    answer = send(ann, rows, "people.csv")
    assert answer.status_code == 422 and "layers count FILE --by postcode" in answer.text
    assert site.files() == [] and "draft-begun" not in site.actions() and site.actions()[0] == "upload-refused"
    assert "NE1 4ST" not in str([line.detail for line in site.store.audit(SYSTEM)])


def test_a_new_file_of_records_of_people_leaves_the_draft_as_it_was(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    rows = pd.DataFrame({"NHS number": ["9991000011", "9991000089", "9991000151", "9991000224"], "x": range(4)})
    assert send(ann, rows, "people.csv", to=f"{draft}/upload").status_code == 422
    assert len(site.files()) == 1 and ann.get(f"{draft}/columns").status_code == 200
