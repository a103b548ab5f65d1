"""A format is one row: whoever adds one sees it wherever documents are offered."""

from __future__ import annotations

from click.testing import CliRunner

from dashboard.api.openapi import document
from dashboard.cli import main
from dashboard.exports import FORMATS, Format, csv_text, formats_of

ASKED = {"need": "crowded", "services": "clinics"}


def tabs(exported) -> bytes:
    return csv_text(exported.sheet()).replace(",", "\t").encode()


def test_a_new_row_is_offered_everywhere(monkeypatch, client, tiny, tiny_pack, tmp_path):
    row = Format("Tabs", "text/tab-separated-values", "tsv", tabs, frozenset({"values", "gaps", "options", "table"}))
    monkeypatch.setitem(FORMATS, "tabs", row)

    answer = client.get("/api/v1/gaps", query_string=ASKED | {"format": "tabs"})
    assert answer.mimetype == "text/tab-separated-values"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="gaps.tsv"'
    assert answer.text.startswith("code\tname\tlad_code\t")
    assert client.get("/api/v1/layers/harm/values?format=tabs").text.startswith("area_code\tvalue\t")
    assert client.get("/data/table.tabs?need=crowded").text.count("\t") > 100
    assert client.get("/data/options.tabs", query_string=ASKED).text.startswith("\ufeffgroup\tmeasure\tunit\t")
    assert client.get("/api/v1/together?services=clinics&format=tabs").status_code == 400  # not in the row

    parameters = document(tiny)["paths"]["/gaps"]["get"]["parameters"]
    (described,) = [each for each in parameters if each["name"] == "format"]
    assert described["schema"]["enum"] == ["json", "csv", "geojson", "tabs"]

    monkeypatch.setenv("COMMONGROUND_REGION", str(tiny_pack))
    monkeypatch.setenv("COMMONGROUND_HOME", str(tmp_path))
    run = CliRunner().invoke(
        main, ["gaps", "--need", "crowded", "--services", "clinics", "--robustness", "0", "--format", "tabs"]
    )
    assert run.stdout.startswith("code\tname\tlad_code\t")
    assert CliRunner().invoke(main, ["values", "harm", "--level", "ward", "--format", "tabs"]).output.count("\t") > 10
    refused = CliRunner().invoke(main, ["together", "--services", "clinics", "--format", "tabs"])
    assert refused.exit_code == 2 and "'tabs' is not one of" in refused.output


def test_what_comes_in_which_format():
    assert formats_of("gaps") == formats_of("together") == ("json", "csv", "geojson")
    assert formats_of("plan") == ("json", "geojson")
    assert formats_of("options") == ("json", "csv")
    assert set(formats_of("values")) == {"csv", "json", "geojson", "gpkg", "parquet", "xlsx"}
    assert formats_of("values", in_api=True) == ("json", "csv", "geojson")
