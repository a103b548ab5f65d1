"""The audit trail against what was noted of it outside the database: a cut tail and a chain worked out anew are found."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from layers.model import SYSTEM
from layers.store import tables
from layers.store.anchor import Anchor, noted_in
from layers.store.audit import AuditSearch, chain_of
from layers.store.integrity import check
from tests.layers.store_fixtures import unguarded


@pytest.fixture
def noted(store, tmp_path):
    store.anchor_at(Anchor(str(tmp_path / "anchor.log")))
    for number in range(5):
        store.note("export", by=SYSTEM, detail={"number": number})
    assert not check(store)
    return store


def rules(store) -> set[str]:
    return {fault.rule for fault in check(store) if "against" in fault.where}


def cut(store, last: int) -> None:
    unguarded(store, f"DELETE FROM audit WHERE seq > {last}")


def work_out_anew(store, seq: int) -> None:
    """Change a line, and every chain from it on, as who knows the program would."""
    with store.reading() as connection:
        rows = [dict(row._mapping) for row in connection.execute(sa.select(tables.audit).order_by(tables.audit.c.seq))]
    chain, statements = "", []
    for row in rows:
        if row["seq"] == seq:
            row["detail"] = '{"number": 99}'
        chain = chain_of(chain, row)
        if row["seq"] >= seq:
            statements.append(
                f"UPDATE audit SET detail = '{row['detail']}', chain = '{chain}' WHERE seq = {row['seq']}"
            )
    unguarded(store, *statements)


def head(store) -> int:
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.max(tables.audit.c.seq))).scalar_one()


def test_each_line_is_noted_once_it_is_there(noted):
    with noted.reading() as connection:
        there = connection.execute(
            sa.select(tables.audit.c.seq, tables.audit.c.chain).order_by(tables.audit.c.seq)
        ).all()
    assert list(noted.anchor.noted()) == [tuple(row) for row in there[-6:]]  # the head as it was, and five more
    assert oct(noted.anchor.file.stat().st_mode)[-3:] == "600"


def test_a_tail_that_was_cut_off_is_found(noted):
    last = head(noted)
    cut(noted, last - 2)
    found = [fault for fault in check(noted) if fault.rule]
    assert [fault.rule for fault in found] == ["audit-cut"]
    assert f"lines {last - 1} to {last} were written" in found[0].what


def test_a_tail_that_was_cut_off_and_grown_again_is_found(noted):
    cut(noted, head(noted) - 2)
    for _ in range(3):
        noted.note("export", by=SYSTEM, detail={"number": "another"})
    assert rules(noted) == {"audit-rewritten"}


def test_a_chain_that_was_worked_out_anew_is_found(noted):
    work_out_anew(noted, head(noted) - 3)
    found = [fault for fault in check(noted) if fault.rule]
    assert [fault.rule for fault in found] == ["audit-rewritten"] and "nor are 3 after it" in found[0].what


def test_without_the_notes_neither_would_be(noted):
    noted.anchor = Anchor()
    work_out_anew(noted, head(noted) - 3)
    cut(noted, head(noted) - 1)
    assert not check(noted)


def test_what_was_refused_is_not_noted(noted):
    before = list(noted.anchor.noted())
    with pytest.raises(RuntimeError), noted.writing() as connection:
        from layers.store.audit import add_line

        add_line(connection, at=noted.now(), by=SYSTEM, action="never")
        raise RuntimeError
    noted.note("export", by=SYSTEM)
    assert [seq for seq, _ in noted.anchor.noted()] == [seq for seq, _ in before] + [head(noted)]
    assert not check(noted)


def test_a_place_that_cannot_be_written_to_stops_nobody(store, tmp_path, caplog):
    store.anchor_at(Anchor(str(tmp_path / "no" / "such" / "folder.log")))
    store.note("export", by=SYSTEM)
    assert "could not be noted" in caplog.text and not check(store)


def test_an_extract_of_the_systems_log_is_read():
    line = f"Mar  2 12:00:00 host commonground: commonground audit 7 {'ab' * 32}\nnonsense audit 8 xyz\n"
    assert list(noted_in(line)) == [(7, "ab" * 32)]


def test_lines_are_searched(noted):
    at = noted.now()
    assert len(noted.audit(SYSTEM, search=AuditSearch(action="exp", person="system"), limit=500)) == 5
    assert noted.audit(SYSTEM, search=AuditSearch(action="e%")) == ()
    assert noted.audit(SYSTEM, search=AuditSearch(person="nobody")) == ()
    assert len(noted.audit(SYSTEM, search=AuditSearch(until=at))) < len(noted.audit(SYSTEM, limit=500))


def test_the_notes_of_a_lost_store_are_set_aside(noted):
    noted.anchor.set_aside()
    assert not noted.anchor.file.exists() and not check(noted)
    noted.anchor_at(noted.anchor)
    noted.note("export", by=SYSTEM)
    assert len(list(noted.anchor.noted())) == 2 and not check(noted)
    assert noted.anchor.set_aside().name.endswith("-2") and noted.anchor.set_aside() is None
