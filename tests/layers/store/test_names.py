"""What cannot be an id is refused at the door of the store itself, with words, and is nothing when it is asked for."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa

from layers.model import SYSTEM, NotFound, Refused, Viewer
from layers.names import is_name
from layers.region import load_region
from layers.store import tables
from layers.store.briefings import Briefings
from layers.store.drafts import Drafts
from tests.layers.store_fixtures import indicator
from tests.tiny import write_tiny_pack

BAD = (
    "../etc", "a/b", "a\\b", "..", ".", ".hidden", "a..b", "a\x00b", "a\nb", "a\rb", "a\x1bb", "a\x7fb", "a\u202eb", "a\u200bb",
    "a\u2028b", "a\ud800b", " a", "a ", "", "x" * 201, "/", "a/../b",
)  # fmt: skip
TEXT = "---\ntitle: A\npartner: {partner}\n---\n# One\n\nTwo.\n"


def counts(store) -> list[int]:
    kept = (tables.layers, tables.versions, tables.briefings, tables.briefing_drafts, tables.drafts, tables.users)
    with store.reading() as connection:
        return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in kept]


@pytest.mark.parametrize("good", ["harm", "a.b", "a_b-c", "Ärzte", "a b", "x" * 200, "ann@example.org"])
def test_ordinary_names_are_names(good):
    assert is_name(good)


@pytest.mark.parametrize("bad", [*BAD, None, 7])
def test_the_rule(bad):
    assert not is_name(bad)


@pytest.mark.parametrize("bad", BAD, ids=ascii)
def test_nothing_of_that_name_gets_in(store, bad):
    before = counts(store)
    package = indicator("harm")
    package = dataclasses.replace(package, descriptor=dataclasses.replace(package.descriptor, id=bad))
    wes = Viewer("wes", "westshire", "analyst")
    held = Briefings(store)
    tries = [
        lambda: store.publish(package, by=SYSTEM),
        lambda: store.publish_all([_submission(package), _submission(indicator("fine"))], by=SYSTEM),
        lambda: (
            store.accounts.add_user(bad, role="viewer", partner="westshire", by=SYSTEM)
            if bad.strip() == bad
            else _refuse()
        ),
        lambda: store.accounts.add_user("fine", role="viewer", partner=bad, by=SYSTEM),
        lambda: (
            Drafts(store).add(by=wes, filename="a", size=1, file_sha256="", answers={}, draft_id=bad)
            if bad
            else _refuse()
        ),
        lambda: (
            Drafts(store).add(by=Viewer("wes", bad, "analyst"), filename="a", size=1, file_sha256="", answers={})
            if bad
            else _refuse()
        ),
    ]
    if bad:
        text = TEXT.format(partner="westshire")
        tries += [
            lambda: held.publish(by=wes, text=text, pins={}, facts={}, briefing_id=bad),
            lambda: held.drafts.begin(wes, text, bad),
        ]
    for number, one in enumerate(tries):
        with pytest.raises(Refused) as refused:
            one()
        assert refused.value.faults, number
        assert all(fault.todo for fault in refused.value.faults), number
        str(refused.value).encode()  # words that can be shown
    assert counts(store) == before


def _submission(package):
    from layers.store.layers import Submission

    return Submission(package)


def _refuse():
    from layers.model import Fault

    raise Refused("Spaces at an end are taken off.", [Fault("a", "b", "c")])


@pytest.mark.parametrize("bad", BAD, ids=ascii)
def test_asked_for_it_is_nothing(store, bad):
    held = Briefings(store)
    for ask in (
        lambda: store.layer(bad, SYSTEM),
        lambda: store.history(bad, SYSTEM),
        lambda: store.withdraw(bad, SYSTEM, "why"),
        lambda: store.rollback(bad, 1, SYSTEM, "why"),
        lambda: held.get(bad, SYSTEM),
        lambda: held.history(bad, SYSTEM),
        lambda: held.withdraw(bad, SYSTEM, "why"),
        lambda: held.drafts.get(bad, SYSTEM),
        lambda: Drafts(store).get(bad, SYSTEM),
        lambda: store.accounts.viewer_named(bad),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_partner_of_a_pack_has_a_name_too(tmp_path):
    pack = write_tiny_pack(tmp_path / "tiny")
    file = pack / "region.toml"
    for bad in ("../up", "a..b", "a\\u0007b"):
        text = file.read_text("utf-8").replace('"westshire"', f'"{bad}"')
        other = tmp_path / "other"
        other.mkdir(exist_ok=True)
        for part in pack.iterdir():
            if not (other / part.name).exists() and part.name != "region.toml":
                (other / part.name).symlink_to(part)
        (other / "region.toml").write_text(text, "utf-8")
        with pytest.raises(Refused, match="cannot be a partner's id"):
            load_region(other)
