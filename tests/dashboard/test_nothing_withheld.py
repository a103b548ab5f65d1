"""Two stores whose true counts differ and whose shown ones do not: every address has to answer alike in both. So no legend, class
break, trend, panel, sentence or file is made from what is withheld, or from what was there before it was rounded."""

from __future__ import annotations

import dataclasses
import re

import pytest

from dashboard.app import create_app
from dashboard.published import Published
from layers import load_region, open_store
from layers.model import Measure, Package
from tests.dashboard.test_walk import FILES, addresses
from tests.layers.store_fixtures import ADMIN, CODES, indicator
from tests.tiny import write_tiny_pack

ONE = {"T01": 3, "T02": 4, "T05": 102, "T06": 101}
OTHER = {"T01": 6, "T02": 7, "T05": 99, "T06": 98}
"""A ward of 210 people either way, of which 100 and 100 are shown and two areas are withheld."""

PASSING = re.compile(
    r"[0-9a-f]{12,}|\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?|nonce-[\w-]+|nonce=\"[^\"]*\"|\"end_id\":\"[^\"]*\"|csrf[^>]*value=\"[^\"]*\""
)
"""Marks of an answer that are new every time."""


def counts(special: dict[str, int], period: str) -> Package:
    layer = indicator("counts", measure=Measure.COUNT, unit="people", counts_people=True, period=period)
    values = [float(special.get(code, 100 + 20 * at)) for at, code in enumerate(CODES)]
    return dataclasses.replace(layer, table=layer.table.assign(value=values))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    made = []
    for name, special in (("one", ONE), ("other", OTHER)):
        home = tmp_path_factory.mktemp(name)
        region = load_region(write_tiny_pack(home / "tiny"))
        store = open_store(f"sqlite:///{home / 'store.sqlite'}", region)
        store.publish(counts(special, "2024"), by=ADMIN)
        store.publish(counts(special, "2025"), by=ADMIN, append=True)
        made.append(Published(region, store, home))
    yield made
    for one in made:
        one.store.close()


def test_every_answer_is_alike(both):
    apps = [create_app(one, "a key for the tests only") for one in both]
    browsers = [app.server.test_client() for app in apps]
    for one in both:
        shown = one.store.values("counts", "lsoa", ADMIN).arrays
        assert [CODES[at] for at in (shown["status"] == 2).nonzero()[0]] == ["T01", "T02"]
    asked, told = 0, 0
    for address in addresses(apps[0], both[0], "layer", "counts"):
        if address.startswith(FILES):
            continue
        answers = [browser.get(address) for browser in browsers]
        assert answers[0].status_code == answers[1].status_code, address
        if answers[0].mimetype.startswith(("application/vnd", "application/zip", "application/geopackage")):
            continue
        one, other = (PASSING.sub("", answer.get_data().decode("utf-8", "replace")) for answer in answers)
        assert one == other, address
        asked, told = asked + 1, told + ("T01" in one)
    assert asked > 100 and told >= 3, (asked, told)
