"""Files to fill in, one for each kind of layer, with codes of the region in them."""

from __future__ import annotations

import io

import pandas as pd

from layers import Region

OFFERED = (
    ("rates", "Counts by small area", "numerator and denominator; gives rates with intervals"),
    ("values", "Values by small area", "one number for each area"),
    ("wards", "Values by ward", ""),
    ("authorities", "Values by local authority", ""),
    ("services", "Services with postcodes", "one row for each site"),
)


def file(name: str, region: Region) -> tuple[bytes, str] | None:
    """Content and type of ``<kind>.csv`` or ``<kind>.xlsx``; None where there is no such template."""
    kind, _, form = name.partition(".")
    if kind not in {offered for offered, *_ in OFFERED} or form not in ("csv", "xlsx"):
        return None
    frame = _frame(kind, region)
    if form == "csv":
        return b"\xef\xbb\xbf" + frame.to_csv(index=False, lineterminator="\r\n").encode(), "text/csv"
    out = io.BytesIO()
    with pd.ExcelWriter(out, engine="openpyxl") as book:
        frame.to_excel(book, index=False, sheet_name="data")
        sheet = book.sheets["data"]
        sheet.freeze_panes = "A2"
        for column, header in zip("ABCDEFGHIJKLM", frame.columns, strict=False):
            sheet.column_dimensions[column].width = max(len(str(header)) + 4, 16)
    return out.getvalue(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _frame(kind: str, region: Region) -> pd.DataFrame:
    if kind == "services":
        headers = ["service_id", "name", "category", "address", "postcode", "capacity", "opening_hours", "eligibility",
                   "referral", "organisation", "url", "as_of"]  # fmt: skip
        return pd.DataFrame(columns=headers)
    level = {"wards": "ward", "authorities": "lad"}.get(kind, "lsoa")
    areas = region.areas[level][["code", "name"]].rename(columns={"code": "area_code", "name": "area_name"})
    blank = ["numerator", "denominator"] if kind == "rates" else ["value"]
    return areas.reset_index(drop=True).assign(**dict.fromkeys(blank, ""))
