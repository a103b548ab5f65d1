"""The options side by side as a document that can be taken away (:mod:`dashboard.exports`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from dashboard.exports import COMPACT, Document, Sheet
from dashboard.views import wording
from dashboard.views.cautions import caution_list
from dashboard.views.gap_files import about, trusted
from dashboard.views.gap_words import parameters_in_words, rule_sentence
from dashboard.views.option_results import change_lines, comparison, option_sentence, outcomes
from dashboard.views.options import Sandbox
from layers import Viewer

NOTICE = "Options are tried, not decided: nothing here is in the service lists."


def options_export(box: Sandbox, viewer: Viewer, on: str) -> Document:
    """The options as files; in a table one row a measure, one column an option, and beside them what the numbers rest on."""
    return Document(
        "options",
        "options",
        tree=lambda: options_document(box, viewer, on),
        sheet=lambda: _sheet(box, viewer, on),
        layout=COMPACT,
        cautions=caution_list(box.gaps.cautions_on()),
    )


def _sheet(box: Sandbox, viewer: Viewer, on: str) -> Sheet:
    shown, credits = comparison(box, viewer), about(box.published, box.gaps.layers)
    beside = {
        "scope": shown.scope,
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
    rows = [
        (group.title, row.name, row.unit, [cell.number for cell in row.cells])
        for group in shown.groups
        for row in group.rows
    ]
    words = pd.DataFrame([row[:3] for row in rows])
    numbers = pd.DataFrame([row[3] for row in rows], dtype="float64")
    table = pd.concat([words, numbers], axis="columns")
    return Sheet(table, ("group", "measure", "unit", *shown.columns), beside=beside, for_excel=True)


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
            "nearer": float(cards[option.key].outcome.by_authority["nearer"].sum()),
            "farther": float(cards[option.key].outcome.by_authority["farther"].sum()),
            "overlap": list(cards[option.key].overlap),
        }
        for option in box.query.options
    ]
    document = {
        "parameters": parameters_in_words(box.gaps, box.gaps.result.parameters),
        "rule": rule_sentence(box.gaps),
        "scope": table.scope,
        "options": options,
        "comparison": numbers,
        "link": box.query.link(),
        "note": NOTICE,
        "made_on": on,
    }
    return trusted(box.gaps, document) | about(box.published, box.gaps.layers)


def _sources(credits: dict[str, Any]) -> list[str]:
    said = {}
    for layer in credits["layers"]:
        for source in layer["sources"]:
            parts = (source["title"], source["publisher"], wording.reuse(layer["licence"]), source["attribution"])
            said[", ".join(part for part in parts if part)] = None
    return list(said)
