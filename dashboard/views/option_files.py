"""The options side by side as files that can travel alone: CSV with one row a measure, JSON with places and changes."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from dashboard.views.gap_files import about
from dashboard.views.gap_words import rule_sentence
from dashboard.views.option_results import change_lines, comparison, option_sentence, outcomes
from dashboard.views.options import Sandbox
from dashboard.views.table import safe_cell
from layers import Viewer

NOTICE = "Options are tried, not decided: nothing here is in the service lists."


def options_csv(box: Sandbox, viewer: Viewer, on: str) -> str:
    """One row a measure and one column an option; the last columns say in every row what the numbers rest on."""
    table, credits = comparison(box, viewer), about(box.published, box.gaps.layers)
    labels = {
        "scope": table.scope,
        "rule": rule_sentence(box.gaps),
        "options": "; ".join(
            f"{option.name}: {', '.join(line.words for line in change_lines(box, option)) or 'no changes'}"
            for option in box.query.options
        ),
        "link": box.query.link(),
        "data": "; ".join(f"{layer['id']} version {layer['version']}" for layer in credits["layers"]),
        "sources": "; ".join(_sources(credits)),
        "made_on": on,
        "note": " ".join(part for part in (NOTICE, credits["notice"]) if part),
    }
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    write.writerow(["group", "measure", "unit", *map(safe_cell, table.columns), *labels])
    same = [safe_cell(text) for text in labels.values()]
    for group in table.groups:
        for row in group.rows:
            numbers = ["" if cell.number is None else f"{cell.number:.10g}" for cell in row.cells]
            write.writerow([safe_cell(group.title), safe_cell(row.name), row.unit, *numbers, *same])
    return out.getvalue()


def options_document(box: Sandbox, viewer: Viewer, on: str) -> dict[str, Any]:
    """JSON types only. Places are EPSG:4326 degrees and EPSG:27700 metres."""
    table, cards = comparison(box, viewer), outcomes(box, viewer)
    numbers = [
        {
            "group": group.title,
            "measure": row.name,
            "unit": row.unit,
            "values": {
                key: cell.number
                for key, cell in zip(["now", *(o.key for o in box.query.options)], row.cells, strict=True)
            },
        }
        for group in table.groups
        for row in group.rows
    ]
    options = [
        {
            "key": option.key,
            "title": option.title,
            "sentence": option_sentence(box, option, cards[option.key]),
            "changes": [
                {k: v for k, v in asdict(change).items() if v not in (None, "")}
                | {"words": line.words, "longitude": line.longitude, "latitude": line.latitude}
                for change, line in zip(option.changes, change_lines(box, option), strict=True)
            ],
            "overlap": list(cards[option.key].overlap),
        }
        for option in box.query.options
    ]
    return {
        "parameters": box.gaps.result.parameters,
        "rule": rule_sentence(box.gaps),
        "scope": table.scope,
        "options": options,
        "comparison": numbers,
        "link": box.query.link(),
        "note": NOTICE,
        "made_on": on,
    } | about(box.published, box.gaps.layers)


def _sources(credits: dict[str, Any]) -> list[str]:
    said = {}
    for layer in credits["layers"]:
        for source in layer["sources"]:
            parts = (source["title"], source["publisher"], layer["licence"], source["attribution"])
            said[", ".join(part for part in parts if part)] = None
    return list(said)
