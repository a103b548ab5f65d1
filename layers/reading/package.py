"""Layer packages: a descriptor and one table, in a folder, a zip, or as a bare file beside its descriptor.

:func:`read_package` and :func:`write_package` are exact opposites. For a file from an analyst, of which nothing is known yet,
use ``layers.inspect_upload``, which says everything about it and stops at nothing. docs/layer-package.md is the reference.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from layers.descriptive_keys import roles_of
from layers.descriptor import (
    FILE,
    SUPPRESSION_MARK,
    TABLE_FILE,
    descriptor_from_json,
    descriptor_to_json,
    marks_of,
    table_name,
)
from layers.fields import SERVICE
from layers.geography.points import fill_locations
from layers.model import Descriptor, Fault, Kind, Measure, Package, Refused, Status
from layers.reading.files import read_json, read_table, read_zip
from layers.reading.identity import identifiers
from layers.reading.marks import Numbers, meaning, numbers, tidy
from layers.reading.rows import row_of

__all__ = [
    "FILE",
    "TABLE_FILE",
    "descriptor_from_json",
    "descriptor_to_json",
    "read_package",
    "safe_for_spreadsheets",
    "table_from_text",
    "write_package",
]

_ORDER = ("area_code", "period", "value", "numerator", "denominator", "lower", "upper", "flag", "status")
_SHOWN = 50  # faults of one rule that are listed one by one


def read_package(path: str | Path) -> Package:
    """Read a layer package: a folder or zip with ``datapackage.json``, or a CSV or XLSX file with its descriptor beside it.

    The descriptor of a bare ``crime.csv`` is ``crime.datapackage.json``, else ``datapackage.json`` in the same folder. Raises
    :class:`Refused` with every fault. Areas are not checked against a region here; ``layers.inspect_upload`` does that.
    """
    path = Path(path)
    if path.is_dir():
        document, table_bytes, name = _read_folder(path)
    elif path.is_file():
        document, table_bytes, name = _read_file(path)
    else:
        fault = Fault("there is no such file or folder", str(path), "check the path")
        raise Refused(f"{path} cannot be read.", [fault])
    descriptor = descriptor_from_json(document)
    text = _text_of(table_bytes, name)
    table, faults = table_from_text(text, descriptor, where=name)
    if errors := [fault for fault in faults if fault.severity == "error"]:
        raise Refused(f"The layer '{descriptor.id}' cannot be read.", errors)
    blob = path.read_bytes() if path.is_file() else json.dumps(document, sort_keys=True).encode() + table_bytes
    return Package(descriptor, table.reset_index(drop=True), hashlib.sha256(blob).hexdigest())


def _read_folder(path: Path) -> tuple[dict, bytes, str]:
    file = path / FILE
    if not file.is_file():
        todo = "write one (docs/layer-package.md), or give the table itself to: commonground layers validate"
        raise Refused(f"{path} is not a layer package.", [Fault("the file is missing", FILE, todo)])
    document = _json(file.read_bytes())
    name = table_name(document)
    table = path / name
    if not table.is_file() or table.is_symlink():
        faults = [Fault("the table is missing", name, f"put it beside {FILE}, or correct resources[0].path")]
        raise Refused(f"The package {path} cannot be read.", faults)
    return document, table.read_bytes(), name


def _read_file(path: Path) -> tuple[dict, bytes, str]:
    if path.suffix.lower() == ".zip":
        members = read_zip(path)
        return _from_members(members)
    for beside in (path.with_name(f"{path.stem}.{FILE}"), path.with_name(FILE)):
        if beside.is_file():
            return _json(beside.read_bytes()), path.read_bytes(), path.name
    faults = [
        Fault("it has no descriptor", path.name, f"write {path.stem}.{FILE} beside it, or publish it in the browser"),
    ]
    raise Refused(f"{path.name} is a table without a descriptor.", faults)


def _from_members(members: Mapping[str, bytes]) -> tuple[dict, bytes, str]:
    """Descriptor and table among the files of a zip; both may lie in one folder."""
    found = [name for name in members if name.rsplit("/", 1)[-1] == FILE]
    if len(found) != 1:
        what = "there is none in the zip" if not found else f"there are {len(found)} in the zip"
        raise Refused("The zip is not a layer package.", [Fault(what, FILE, "put one in, beside the table")])
    document = _json(members[found[0]])
    name = table_name(document)
    folder = found[0].rpartition("/")[0]
    whole = f"{folder}/{name}" if folder else name
    if whole not in members:
        faults = [
            Fault("the table is missing from the zip", name, f"put it beside {FILE}, or correct resources[0].path")
        ]
        raise Refused("The zip is not a layer package.", faults)
    return document, members[whole], name


def _json(raw: bytes) -> dict:
    return read_json(raw, FILE)


def _text_of(raw: bytes, name: str) -> pd.DataFrame:
    """The table as text, every cell as it was written; the index is the row as a person counts (the header is row 1).

    Our own files are UTF-8 with one header row and go the short way; anything else goes through :mod:`layers.reading.files`.
    """
    if name.lower().endswith(".csv") and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        import pyarrow as pa
        import pyarrow.csv

        try:
            header = next(csv.reader(io.StringIO(raw[: 1 << 20].decode("utf-8-sig", "replace"))), [])
            if len(header) == len(set(header)) > 1 and all(name and name == name.strip() for name in header):
                table = pa.csv.read_csv(
                    io.BytesIO(raw.removeprefix(b"\xef\xbb\xbf")),
                    parse_options=pa.csv.ParseOptions(newlines_in_values=b'"' in raw, ignore_empty_lines=False),
                    convert_options=pa.csv.ConvertOptions(
                        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
                    ),
                )
                text = pd.DataFrame(
                    {name: column.to_pandas() for name, column in zip(header, table.columns, strict=True)}
                )
                text.index = range(2, len(text) + 2)
                return text
        except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error):
            pass  # ragged rows, another encoding: the long way says exactly what
    sheet = read_table(raw, name)
    if errors := [fault for fault in sheet.faults if fault.severity == "error" or fault.rule == "ragged"]:
        raise Refused(f"{name} cannot be read.", errors)
    return sheet.text


# ---------------------------------------------------------------- from text to roles


def table_from_text(
    text: pd.DataFrame,
    descriptor: Descriptor,
    *,
    where: str = "",
    decimal_comma: bool | None = None,
) -> tuple[pd.DataFrame, list[Fault]]:
    """The table of a package from one whose cells are all text: columns by role, numbers, status, points.

    The index is that of ``text``: the row as a person counts in the file. Faults name rows by it.
    """
    headers, faults = match_columns(text, descriptor, where)
    if any(fault.severity == "error" for fault in faults):
        return pd.DataFrame(), faults
    columns = {role: text[header] for role, header in headers.items()}
    if descriptor.kind == Kind.SERVICES:
        return _services(columns, headers, faults, where, text.index, decimal_comma)
    return _indicator(columns, headers, descriptor, faults, where, text.index, decimal_comma)


def match_columns(text: pd.DataFrame, descriptor: Descriptor, where: str = "") -> tuple[dict[str, str], list[Fault]]:
    """Which header plays which role: those of the descriptor, then headers that are a role's own name."""
    faults = []
    known = roles_of(descriptor.kind)
    headers = {}
    for role, header in descriptor.columns.items():
        if header in text.columns:
            headers[role] = header
        else:
            todo = f"the table has: {', '.join(map(str, text.columns[:20]))}"
            what = f"there is no column {header!r}"
            faults.append(Fault(what, where, todo, column=header, value=role, rule="column-missing"))
    used = set(headers.values())
    for role in known:
        if role not in headers and role in text.columns and role not in used and role not in descriptor.columns:
            headers[role] = role
    if descriptor.kind == Kind.SERVICES:
        located = (
            {"latitude", "longitude"} <= set(headers)
            or {"easting", "northing"} <= set(headers)
            or "postcode" in headers
        )
        if not located and not faults:
            todo = "give latitude and longitude, easting and northing, or postcode"
            faults.append(Fault("no columns say where the services are", where, todo, rule="column-missing"))
    else:
        if "area_code" not in headers and not faults:
            todo = 'name it under commonground.columns: {"area_code": "..."}'
            faults.append(Fault("no column holds the codes of the areas", where, todo, rule="column-missing"))
        if "value" not in headers and "numerator" not in headers and not faults:
            todo = "give value, or numerator and denominator"
            faults.append(Fault("no column holds the numbers", where, todo, rule="column-missing"))
    return headers, faults


def _indicator(columns, headers, descriptor, faults, where, index, decimal_comma) -> tuple[pd.DataFrame, list[Fault]]:
    out = {"area_code": tidy(columns["area_code"])}
    if "period" in columns:
        out["period"] = tidy(columns["period"])
    read: dict[str, Numbers] = {}
    for role in ("value", "numerator", "denominator", "lower", "upper"):
        if role in columns:
            read[role] = numbers(columns[role], marks_of(descriptor), decimal_comma)
            faults += bad_numbers(columns[role], read[role], headers[role], where)
            out[role] = read[role].value
    status, flag = status_of(read)
    if descriptor.measure == Measure.COUNT and "value" not in read and "denominator" not in read:
        out["value"] = out["numerator"].copy()
    if "flag" in columns:
        given = tidy(columns["flag"]).to_numpy(dtype=object)
        flag = np.where(given != "", given, flag)
        silent = np.flatnonzero(
            (status == Status.MISSING) & (given != "")
        )  # the value is blank, the mark stands beside it
        override = marks_of(descriptor)
        for row in silent:
            if meaning(given[row], override) == "suppressed":
                status[row] = Status.SUPPRESSED
    if "status" in columns:
        given = tidy(columns["status"]).str.lower()
        wrong = ~given.isin([*Status, ""])
        faults += _row_faults(
            wrong, columns["status"], headers["status"], where, "is not a status", "status",
            f"use {', '.join(Status)} or leave it blank",
        )  # fmt: skip
        status = np.where(~wrong & (given != ""), given, status)
    if "flag" in columns or (flag != "").any():
        out["flag"] = pd.Series(flag, index=index, dtype="str")
    out["status"] = pd.Series(status.astype(str), index=index, dtype="str")
    frame = pd.DataFrame(out, index=index)
    hidden = frame["status"].isin([Status.SUPPRESSED, Status.MISSING])
    if "value" in frame and hidden.any():
        frame.loc[hidden, "value"] = np.nan  # the status wins: what is withheld is not kept either
    return frame[[name for name in _ORDER if name in frame]], faults


def status_of(read: Mapping[str, Numbers]) -> tuple[np.ndarray, np.ndarray]:
    """Status and publisher's mark of each row, from what stands in value, numerator and denominator.

    A number in ``value`` is ok. A value marked as withheld is suppressed whatever else stands in the row. A blank value is
    ok where numerator and denominator give it, suppressed where one of the two is withheld, else missing.
    """
    size = len(next(iter(read.values())).value)
    nothing = np.full(size, "missing", dtype=object)
    value = read["value"].state if "value" in read else nothing
    top = read["numerator"].state if "numerator" in read else nothing
    base = read["denominator"].state if "denominator" in read else nothing
    base_ok = base == "number"
    if "denominator" in read:
        base_ok = base_ok & (read["denominator"].value > 0)
    if "denominator" not in read and "value" not in read:
        base_ok = np.full(size, True)  # a bare count
    status = np.select(
        [
            value == "number",
            value == "suppressed",
            (top == "number") & base_ok,
            (top == "suppressed") | (base == "suppressed"),
        ],
        [Status.OK, Status.SUPPRESSED, Status.OK, Status.SUPPRESSED],
        Status.MISSING,
    ).astype(object)
    if "value" in read:  # "not available" said of the value is not undone by its parts
        status[(value == "missing") & (read["value"].flag != "")] = Status.MISSING
    flag = np.full(size, "", dtype=object)
    for role in ("value", "numerator", "denominator"):
        if role in read:
            flag = np.where(flag == "", read[role].flag, flag)
    flag = np.where(flag == SUPPRESSION_MARK, "", flag)  # it says no more than the status does
    return status, flag


def _services(columns, headers, faults, where, index, decimal_comma) -> tuple[pd.DataFrame, list[Fault]]:
    out = {}
    for role, field in SERVICE.items():
        if role not in columns:
            continue
        if field.dtype == "float64":
            read = numbers(columns[role], decimal_comma=decimal_comma)
            faults += bad_numbers(columns[role], read, headers[role], where)
            out[role] = read.value
        else:
            out[role] = columns[role].fillna("").astype("str").str.strip()
    frame = pd.DataFrame(out, index=index)
    if "service_id" not in frame:
        frame["service_id"] = identifiers(frame)
    if "name" not in frame:
        frame["name"] = frame["service_id"]
    frame = fill_locations(frame)
    return frame[[name for name in SERVICE if name in frame]], faults


def bad_numbers(text: pd.Series, read: Numbers, header: str, where: str) -> list[Fault]:
    """One fault for every cell that is neither a number nor a known mark, the first of them one by one."""
    return _row_faults(
        read.state == "bad", text, header, where, "is not a number", "not-a-number",
        "write a number, or a mark for a missing or withheld value such as [x] or [c]",
    )  # fmt: skip


def _row_faults(wrong, text, header, where, what, rule, todo, severity="error") -> list[Fault]:
    rows = np.flatnonzero(np.asarray(wrong))
    faults = [
        Fault(
            f"{_shown(text.iloc[row])} {what}",
            where,
            todo,
            row_of(text.index[row]),
            header,
            str(text.iloc[row])[:80],
            rule,
            severity,
        )
        for row in rows[:_SHOWN]
    ]
    if len(rows) > _SHOWN:
        what = f"{len(rows) - _SHOWN:,} more rows: {what}"
        faults.append(Fault(what, where, todo, column=header, rule=rule, severity=severity))
    return faults


def _shown(value) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:39] + "…")


# ---------------------------------------------------------------- writing


def write_package(package: Package, folder: str | Path) -> Path:
    """Write a package as the folder ``folder`` (``datapackage.json`` and ``data.csv``) and return it; the opposite of reading.

    All or nothing: the files are written beside it and the folder is moved into place in one step; one that was there before
    is replaced. Numbers are written so that they read back to the last bit.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    document, raw = package_files(package)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in ((FILE, document), (TABLE_FILE, raw)):
            with (made / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        made.chmod(0o755)
        _move_into_place(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def package_files(package: Package) -> tuple[bytes, bytes]:
    """The two files of a package, ``datapackage.json`` and ``data.csv``, as bytes; for a zip or a download."""
    descriptor = package.descriptor
    table = package.table
    document = descriptor_to_json(descriptor, _written(table, descriptor))
    return (
        json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n",
        _csv(_written(table, descriptor), descriptor),
    )


def _move_into_place(made: Path, folder: Path) -> None:
    if not folder.exists():
        made.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.rename(old / "package")
    try:
        made.rename(folder)
    except OSError:
        (old / "package").rename(folder)
        raise
    finally:
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def _written(table: pd.DataFrame, descriptor: Descriptor) -> pd.DataFrame:
    """The table as it is written: marks in place of withheld numbers, and a status column only where it says something new."""
    known = roles_of(descriptor.kind)
    table = table[[name for name in table.columns if name in known]].reset_index(drop=True)
    out = pd.DataFrame(index=table.index)
    for name in table:
        if known[name].dtype == "float64":
            out[name] = _number_text(table[name])
        else:
            out[name] = table[name].fillna("").astype("str")
    if descriptor.kind == Kind.SERVICES or "status" not in table:
        return out
    home = next((role for role in ("value", "numerator", "denominator") if role in out), None)
    if home is not None:
        flag = (
            table["flag"].fillna("").astype("str") if "flag" in table else pd.Series("", index=table.index, dtype="str")
        )
        means = flag.map({mark: meaning(mark, marks_of(descriptor)) for mark in flag.unique()})
        withheld = (table["status"] == Status.SUPPRESSED) & (out[home] == "")
        out.loc[withheld, home] = flag.where(means == "suppressed", SUPPRESSION_MARK)[withheld]
        marked = (table["status"] == Status.MISSING) & (out[home] == "") & (means == "missing")
        out.loc[marked, home] = flag[marked]
    again, _ = table_from_text(out.drop(columns="status"), replace(descriptor, columns={}))
    says_itself = (again["status"].to_numpy() == table["status"].to_numpy()).all()
    return out.drop(columns="status") if says_itself else out


def _number_text(column: pd.Series) -> pd.Series:
    """Numbers as the shortest text that reads back to the same number; whole ones without a decimal point; "" for NaN."""
    values = column.to_numpy(dtype=float)
    if np.isinf(values).any():
        rows = np.flatnonzero(np.isinf(values))
        what = f"{len(rows)} numbers are infinite"
        fault = Fault(what, "", "leave them out", column=str(column.name), rule="not-a-number")
        raise Refused("The table cannot be written.", [fault])
    text = [
        "" if value != value else str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        for value in values.tolist()
    ]
    return pd.Series(text, index=column.index, dtype="str")


def _csv(table: pd.DataFrame, descriptor: Descriptor) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([descriptor.columns.get(role, role) for role in table.columns])
    writer.writerows(zip(*(table[name].tolist() for name in table), strict=True))
    return out.getvalue().encode()


def safe_for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy whose text cells no spreadsheet takes for a formula: those that begin with = + - @, tab or return get a "'" first.

    Numbers written as text ("-3.2") stay as they are. For files that people open, never for packages, which read back exactly.
    """
    out = frame.copy()
    for name in out:
        if not pd.api.types.is_numeric_dtype(out[name]):
            text = out[name].fillna("").astype("str")
            risky = text.str.match(r"^[=+\-@\t\r\n\0]") & ~text.str.fullmatch(
                r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?"
            )
            risky &= ~text.isin(["-", "+"])
            out[name] = text.mask(risky, "'" + text)
    out.columns = [f"'{name}" if str(name)[:1] in "=+-@\t\r" and len(str(name)) > 1 else name for name in out.columns]
    return out
