"""Reading a draft's file once and remembering what was found, and turning it into what the map would show.

What is remembered is keyed by everything that it depends on, so it is never out of date. A worker reads what is not small
(:mod:`dashboard.publishing.reading`); another process has it from there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dashboard.jobs import id_of
from dashboard.memory import Memory
from dashboard.published import Published
from dashboard.publishing import answers as asking
from dashboard.publishing import reading
from dashboard.publishing.uploads import Received, Uploads
from layers import (
    STATUSES,
    Busy,
    Draft,
    Kind,
    Layer,
    NotFound,
    NotPermitted,
    Refused,
    Report,
    StoreFault,
    Viewer,
    decode_table,
    decode_values,
    inspect_upload,
    parts_of,
    recipe_of,
)
from layers import Package as LayerPackage

MOST_AT_ONCE, WAIT_S = 2, 1.0
"""Files that a process reads at a time, and how long a request waits for its turn."""


@dataclass(frozen=True)
class Before:
    """The layer that a draft would replace: as shown now (None when withdrawn or waiting), and its newest version."""

    layer: Layer | None
    newest: int
    package: LayerPackage | None
    recipe: Mapping[str, Any] = field(default_factory=dict)  # how its file was read, for the next one
    taken: bool = False  # the id belongs to a layer that this person may not change


@dataclass(frozen=True)
class Asked:
    """What a report on one layer of a draft is made from, and ``key``, all that it depends on."""

    path: Path
    hints: Mapping[str, Any]
    previous: LayerPackage | None
    today: Mapping | None
    key: tuple

    @property
    def state(self) -> str:
        return id_of("report", self.key)


class Reports:
    def __init__(self, published: Published, uploads: Uploads, keep: int = 8):
        self.published = published
        self.uploads = uploads
        self._memory = Memory(keep)
        self._turns = threading.BoundedSemaphore(MOST_AT_ONCE)

    def before(self, layer_id: str, viewer: Viewer) -> Before:
        """What is published under this id, for somebody who wants to publish there."""
        store = self.published.store
        try:
            history = store.history(layer_id, viewer)
        except NotFound:
            return Before(None, 0, None)
        if not history:
            return Before(None, 0, None)
        newest = max(version.version for version in history)
        try:
            layer = store.layer(layer_id, viewer)
        except NotFound:
            layer = None
        try:
            version = None if layer is not None else newest
            package = store.original(layer_id, viewer, version=version)
        except NotPermitted:
            return Before(layer, newest, None, taken=True)
        except (NotFound, Refused):
            package = None
        last = max(history, key=lambda version: version.version)
        recipe = recipe_of(str((last.report.get("checks") or {}).get("recipe") or ""))
        return Before(layer, newest, package, recipe)

    def report(self, draft: Draft, header: str, viewer: Viewer, answers: Mapping[str, Any] | None = None) -> Report:
        """Everything that can be said about one layer of the draft. Raises :class:`dashboard.jobs.Waiting` while it is read."""
        answers = draft.answers if answers is None else answers
        asked = self.asked_of(draft, header, viewer, answers)
        known = self._memory.find(asked.key)
        if known is not None:
            return known
        price = reading.price_of(asked.path)
        if reading.is_read_here(price):
            return self._memory.keep(asked.key, self.inspect(asked.path, asked.hints, asked.previous, asked.today))
        parameters = {"draft": draft.id, "header": header, "answers": dict(answers), "state": asked.state}
        try:
            report = reading.read_by_a_worker(
                self.published, asked.key, parameters, viewer, price=price, filename=draft.filename
            )
        except StoreFault:
            raise
        except Refused as refused:  # it took too long, or too much memory: nothing to remember
            return reading.unread(draft.filename, refused)
        return self._memory.keep(asked.key, report)

    def asked_of(self, draft: Draft, header: str, viewer: Viewer, answers: Mapping[str, Any]) -> Asked:
        hints = asking.hints(answers, header, draft.filename, draft)
        before = self.before(hints["id"], viewer) if hints.get("id") else Before(None, 0, None)
        previous = before.package if before.layer is not None else None
        region = self.published.region
        key = (
            "report",
            region.id,
            region.built,
            draft.id,
            draft.file_sha256,
            json.dumps(hints, sort_keys=True),
            hints.get("id") and before.newest,
        )
        path = self.uploads.path_of(draft.id, draft.file_sha256)
        said = asking.said_of(answers, header)
        today = asking.said_today(before.package.descriptor, said) if before.package is not None else None
        return Asked(path, hints, previous, today, key)

    def of_upload(self, received: Received, parameters: Mapping[str, Any], viewer: Viewer) -> Report:
        """The report on a file that has just come in, with ``parameters["hints"]``. Raises as :meth:`report`."""
        price = reading.price_of(received.path)
        if reading.is_read_here(price):
            return self.inspect(received.path, parameters["hints"])
        key = ("upload", received.path.name, received.sha256)
        try:
            return reading.read_by_a_worker(
                self.published, key, parameters, viewer, price=price, filename=received.filename
            )
        except StoreFault:
            raise
        except Refused as refused:
            return reading.unread(received.filename, refused)

    def inspect(
        self, path: Path, hints: Mapping[str, Any], previous: LayerPackage | None = None, today: Mapping | None = None
    ) -> Report:
        """Read a file. Few are read at a time, so that large ones leave threads for everybody. Raises :class:`layers.Busy`."""
        same_kind = previous if previous is None or previous.descriptor.kind == hints.get("kind") else None
        if not self._turns.acquire(timeout=WAIT_S):
            raise Busy(MOST_AT_ONCE, own=False)
        try:
            return inspect_upload(path, self.published.region, hints=hints, previous=same_kind, today=today)
        finally:
            self._turns.release()

    def prepared(self, report: Report, viewer: Viewer):
        """What would be written to the store. Raises :class:`Refused` when it cannot be published after all."""
        package = report.package
        store = self.published.store  # what it hides depends on what else is published
        key = ("prepared", report.sha256, repr(package.descriptor), viewer, store.generation())
        return self._memory.get(key, lambda: store.prepared(package, by=viewer))

    def prepared_appended(self, report: Report, viewer: Viewer, before: Before):
        """As :meth:`prepared`, with the periods of the version now shown that the file does not bring. Raises also where the
        two do not compare."""
        package = report.package
        store = self.published.store
        key = (
            "appended",
            report.sha256,
            repr(package.descriptor),
            before.newest,
            before.layer.version,
            viewer,
            store.generation(),
        )

        def make():
            whole, _, kept = store.appended(package, viewer)
            return store.prepared(whole, kept, by=viewer)

        return self._memory.get(key, make)


def parts(prepared) -> list[tuple[str, str]]:
    """The (level, period) pairs that would have values."""
    return [] if prepared.descriptor.kind == Kind.SERVICES else parts_of(prepared.values)


def values_of(prepared, level: str, period: str) -> pd.DataFrame:
    """Area by area what would be shown: ``area_code, value, status``."""
    part = decode_values(prepared.values, level, period)
    return pd.DataFrame(
        {
            "area_code": part.area_code.to_pylist(),
            "value": part.arrays["value"],
            "status": np.array(STATUSES, dtype=object)[part.arrays["status"]],
        }
    )


def sites_of(prepared) -> pd.DataFrame:
    return decode_table(prepared.values)


def checks_of(report: Report) -> dict[str, Any]:
    """What was checked, in numbers and rules only: it is kept with the version, and whoever sees the layer may read it.
    Values and rows of the file stay out: some of them are withheld."""
    rules: dict[str, int] = {}
    for fault in report.warnings:
        rules[fault.rule or "other"] = rules.get(fault.rule or "other", 0) + 1
    geography = report.geography
    return {
        "filename": report.filename,
        "bytes": report.size,
        "format": report.format,
        "counts": dict(report.counts),
        "geography": {"level": geography.level, "vintage": geography.vintage, "summary": geography.sentence}
        if geography
        else None,
        "coverage": report.coverage.to_dict("records"),
        "rules": rules,
        "columns": {guess.role: guess.header for guess in report.guesses},
        "read": dict(report.used),
        "recipe": report.recipe_text,
    }
