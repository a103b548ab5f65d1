"""Two stores whose true counts differ and whose shown ones do not: every address, layout, callback and command has to answer alike in
both, and so has every file, unpacked. So no legend, class break, trend, panel, sentence, picture or file is made from what is
withheld, or from what was there before it was rounded."""

from __future__ import annotations

import dataclasses
import re

import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.exports import formats_of
from dashboard.pages import PAGES
from dashboard.published import Published
from layers import LEVELS, load_region, open_store
from layers.model import Measure, Package
from tests.bodies import text_in
from tests.dashboard.test_audience import layout
from tests.dashboard.test_walk import FILES, FILL, addresses, asked_callbacks, questions
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


@pytest.fixture(scope="module")
def apps(both):
    return [create_app(one, "a key for the tests only") for one in both]


def read(data: bytes) -> str:
    return PASSING.sub("", text_in(data))


def of_values() -> list[str]:
    return [
        f"level={level}&period={period}&format={form}"
        for level in LEVELS
        for period in ("2024", "2025")
        for form in formats_of("values", in_api=True)
    ]


def test_every_answer_is_alike(both, apps):
    browsers = [app.server.test_client() for app in apps]
    for one in both:
        shown = one.store.values("counts", "lsoa", ADMIN).arrays
        assert [CODES[at] for at in (shown["status"] == 2).nonzero()[0]] == ["T01", "T02"]
    asked, told, packed = 0, 0, 0
    values = [f"/api/v1/layers/counts/values?{query}" for query in of_values()]
    for address in [*addresses(apps[0], both[0], "layer", "counts"), *values]:
        if address.startswith(FILES):
            continue
        answers = [browser.get(address) for browser in browsers]
        assert answers[0].status_code == answers[1].status_code, address
        one, other = (read(answer.data) for answer in answers)
        assert one == other, address
        asked, told, packed = asked + 1, told + ("T01" in one), packed + answers[0].data.startswith(b"PK")
    assert asked > 150 and told > 15 and packed, (asked, told, packed)


def test_every_layout_and_callback_is_alike(apps):
    browsers = [app.server.test_client() for app in apps]
    for page in PAGES:
        path = re.sub(r"<(\w+)>", lambda name: FILL[name[1]][0], page.path)
        for query in ("", *(f"?{asked}" for asked in questions("layer", "counts", ""))):
            one, other = (read(layout(browser, path + query).data) for browser in browsers)
            assert one == other, path + query
    one, other = (asked_callbacks(browser, "counts") for browser in browsers)
    assert one.keys() == other.keys() and len(one) > 10
    for output, (status, text) in one.items():
        assert (status, PASSING.sub("", text)) == (other[output][0], PASSING.sub("", other[output][1])), output
    assert any("T01" in text for _, text in one.values())


ASKED = {
    "values": [["values", "counts", "--level", level, "--period", when] for level in LEVELS for when in ("2024", "2025")],
    "gaps": [["gaps", "--need", "counts", "--services", "clinics", "--level", level] for level in LEVELS],
    "together": [["together", "--need", "counts", "--services", "clinics"]],
    "plan": [["site", "--need", "counts", "--services", "clinics", "--new", "1"]],
}  # fmt: skip


def test_every_file_that_a_command_writes_is_alike(both, tmp_path):
    said = 0
    for kind, questions_ in ASKED.items():
        for words, form in ((words, form) for words in questions_ for form in formats_of(kind)):
            made = []
            for here in both:
                out = tmp_path / f"out.{form}"
                place = {
                    "REGION": here.region.path,
                    "HOME": here.home,
                    "DATABASE_URL": f"sqlite:///{here.home / 'store.sqlite'}",
                }
                environ = {f"COMMONGROUND_{name}": str(value) for name, value in place.items()}
                done = CliRunner(env=environ).invoke(main, [*words, "--format", form, "--out", str(out)])
                assert done.exit_code == 0, (words, form, done.output)
                made.append(read(out.read_bytes()))
            assert made[0] == made[1], (words, form)
            said += "T03" in made[0]
    assert said > 15, said
