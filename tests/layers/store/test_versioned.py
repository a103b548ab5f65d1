"""A third kind of versioned thing is three tables, a description and two methods: here a note of one sentence."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from layers.model import NotFound, Refused, Viewer
from layers.store import kinds
from layers.store.permissions import may_change
from layers.store.records import NotPermitted
from layers.store.tables import Moment, audit
from layers.store.versioned import Versioned, VersionedKind
from tests.layers.store_fixtures import ADMIN, EAST_ANALYST, WEST_ANALYST

metadata = sa.MetaData()
words = (
    sa.Column(name, sa.Text) for name in ("published_by", "note", "checked_by", "review_on", "record_sha256", "says")
)
NOTES = VersionedKind(
    what="note",
    key="note_id",
    things=sa.Table("notes", metadata, sa.Column("id", sa.String(40), primary_key=True), sa.Column("partner", sa.Text),
                    sa.Column("made_at", Moment), sa.Column("made_by", sa.Text)),
    versions=sa.Table("note_versions", metadata, sa.Column("note_id", sa.String(40)), sa.Column("version", sa.Integer),
                      sa.Column("published_at", Moment), sa.Column("checked_at", Moment), *words),
    pointers=sa.Table("note_pointers", metadata, sa.Column("seq", sa.Integer), sa.Column("note_id", sa.String(40)),
                      sa.Column("action", sa.Text), sa.Column("version", sa.Integer), sa.Column("at", Moment),
                      sa.Column("by", sa.Text), sa.Column("reason", sa.Text)),
    long_columns=("says",),
    of="note:",
    prefix="note-",
)  # fmt: skip


class Notes(Versioned):
    kind = NOTES

    def partner_of(self, thing, row):
        return thing.partner

    def is_there_for(self, found, viewer):
        return may_change(found.partner, viewer)

    def publish(self, note_id, says, by, expecting=None):
        with self.refusals_noted(by, "publish", note_id), self.database.writing() as connection:
            now = self.database.now()
            self.permit(by, "westshire")
            found = self.find(connection, note_id, now)
            if faults := self.overtaken(note_id, found, expecting):
                raise Refused("The note was not published.", faults)
            row = self.next_row(
                note_id, found, by=by, now=now, note="", checked_by="", checked_at=None, review_on=""
            ) | {"says": says, "record_sha256": ""}
            self.add_version(connection, found, row, by=by, detail={}, thing={"partner": "westshire"})

    def says(self, note_id):
        with self.database.reading() as connection:
            found = self.find(connection, note_id, self.database.now())
            current = found.standing.current
            return current and self.kind.version_row(connection, note_id, current).says


@pytest.fixture
def notes(store):
    with store.writing(bump=False) as connection:
        metadata.create_all(connection)
    return Notes(store)


def test_a_third_kind_of_thing_is_published_brought_back_and_withdrawn(store, notes):
    notes.publish("a", "It is loud.", WEST_ANALYST)
    notes.publish("a", "It is quiet.", ADMIN, expecting=1)
    assert notes.says("a") == "It is quiet."
    notes.rollback("a", 1, WEST_ANALYST, "it was loud after all")
    assert notes.says("a") == "It is loud."
    with pytest.raises(Refused, match="without a reason"):
        notes.withdraw("a", WEST_ANALYST, " ")
    notes.withdraw("a", WEST_ANALYST, "nobody knows")
    assert notes.says("a") is None
    with pytest.raises(Refused, match="not published") as overtaken:
        notes.publish("a", "Late.", WEST_ANALYST, expecting=1)
    assert [fault.rule for fault in overtaken.value.faults] == ["overtaken"]
    with pytest.raises(NotPermitted, match="may publish notes of 'eastshire' only"):
        notes.publish("a", "Theirs.", EAST_ANALYST)
    for note_id, viewer in (("a", EAST_ANALYST), ("b", WEST_ANALYST)):
        with pytest.raises(NotFound, match=f"There is no note '{note_id}'"):
            notes.withdraw(note_id, viewer, "because")
    with store.reading() as connection:
        told = connection.execute(sa.select(audit.c.action, audit.c.layer_id, audit.c.version).order_by(audit.c.seq))
        assert [tuple(line) for line in told if line.action.startswith("note-")] == [
            ("note-publish", "note:a", 1),
            ("note-publish", "note:a", 2),
            ("note-rollback", "note:a", 1),
            ("note-withdraw-refused", "note:a", None),
            ("note-withdraw", "note:a", None),
            ("note-publish-refused", "note:a", None),
            ("note-publish-refused", "note:a", None),
        ]


def test_its_audit_trail_is_its_partners(store, notes, monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, NOTES))
    notes.publish("a", "It is loud.", ADMIN)  # of another partner; the note is Westshire's
    with pytest.raises(NotPermitted):
        notes.publish("b", "Theirs.", EAST_ANALYST)  # an id that nobody has

    def told(viewer):
        return [(line.action, line.thing_id, line.version) for line in store.audit(viewer) if line.what == "note"]

    published, refused = ("note-publish", "a", 1), ("note-publish-refused", "b", None)
    assert told(WEST_ANALYST) == [published]
    assert told(EAST_ANALYST) == [refused]
    for viewer in (Viewer("ivy", "icb", "analyst"), Viewer("eric", "eastshire", "analyst")):
        assert told(viewer) == []  # although the admin is one of theirs, or eli
    assert told(ADMIN) == [refused, published]
