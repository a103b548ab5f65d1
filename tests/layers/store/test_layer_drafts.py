"""Drafts of layers: a colleague's check, by the rules that briefings have too."""

from __future__ import annotations

import pytest

from layers.model import PUBLIC, SYSTEM, NotFound, Refused, Viewer
from layers.store.drafts import Drafts, EditConflict
from layers.store.records import NotPermitted
from tests.layers.store_fixtures import ADMIN, EAST_ANALYST, WEST_ANALYST, WEST_VIEWER

WIL = Viewer("wil", "westshire", "analyst")
ANSWERS = {"kind": "indicator", "said": {"title": "Noise"}, "done": ["columns"]}
FILE = {"filename": "noise.csv", "size": 3, "file_sha256": "a" * 64}


@pytest.fixture
def drafts(store):
    for viewer in (WEST_ANALYST, WIL, WEST_VIEWER, EAST_ANALYST, ADMIN, Viewer("old", "westshire", "analyst")):
        store.accounts.add_user(viewer.user, role=viewer.role, partner=viewer.partner, by=SYSTEM)
    store.accounts.disable_user("old", by=SYSTEM)
    return Drafts(store)


@pytest.fixture
def draft(drafts):
    return drafts.add(by=WEST_ANALYST, answers=ANSWERS, **FILE)


def told(store):
    """What the audit trail says of drafts, oldest first, without their beginning."""
    lines = [line for line in reversed(store.audit(ADMIN)) if line.action.startswith("draft-")][1:]
    return [(line.action.removeprefix("draft-"), line.by, line.detail) for line in lines]


def test_colleagues_are_those_who_may_check(drafts, draft):
    assert [one.user for one in drafts.colleagues(draft, WEST_ANALYST)] == ["ada", "wil"]
    assert [one.user for one in drafts.colleagues(draft, ADMIN)] == ["wes", "wil"]
    for viewer in (PUBLIC, WEST_VIEWER, EAST_ANALYST):
        assert drafts.colleagues(draft, viewer) == ()
    for name in ("wes", "eli", "wendy", "old", "nobody", ""):
        with pytest.raises(Refused, match="Nobody was asked"):
            drafts.ask_check(draft.id, WEST_ANALYST, of=name)
    assert drafts.get(draft.id, WEST_ANALYST) == draft


def test_a_check_is_asked_for_answered_and_taken_back(store, drafts, draft):
    for good in (True, False):
        with pytest.raises(NotPermitted, match="Nobody was asked"):
            drafts.answer_check(draft.id, WIL, 1, good=good)
    asked = drafts.ask_check(draft.id, WEST_ANALYST, "wil", "The units?")
    assert (asked.asked_of, asked.asked_by, asked.asked_note, asked.revision) == ("wil", "wes", "The units?", 2)
    assert [drafts.may_check(asked, one) for one in (WEST_ANALYST, WIL, ADMIN, EAST_ANALYST, PUBLIC)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    with pytest.raises(NotPermitted, match="somebody else"):
        drafts.answer_check(draft.id, WEST_ANALYST, 2)
    with pytest.raises(NotFound):
        drafts.answer_check(draft.id, EAST_ANALYST, 2)
    with pytest.raises(EditConflict):
        drafts.answer_check(draft.id, WIL, 1)
    back = drafts.answer_check(draft.id, WIL, 2, good=False, reply="Not yet.")
    assert (back.sent_back_by, back.checked_by, back.reply, back.awaits_check) == ("wil", "", "Not yet.", True)
    good = drafts.answer_check(draft.id, ADMIN, 3)  # an admin may say it too
    assert (good.sent_back_by, good.checked_by, good.reply, good.awaits_check) == ("", "ada", "", False)
    with pytest.raises(EditConflict):
        drafts.recall_check(draft.id, WEST_ANALYST, 3)
    none = drafts.recall_check(draft.id, WEST_ANALYST, 4)
    assert (none.asked_of, none.asked_at, none.checked_by, none.checked_at, none.revision) == ("", None, "", None, 5)
    drafts.ask_check(draft.id, WEST_ANALYST, "wil")
    drafts.answer_check(draft.id, WIL, 6, reply="Fine.")
    anew = drafts.ask_check(draft.id, WEST_ANALYST, "ada")  # a question of its own, not answered yet
    assert (anew.asked_of, anew.checked_by, anew.reply, anew.awaits_check) == ("ada", "", "", True)
    about = {"id": draft.id, "filename": "noise.csv", "of": "wil"}
    assert told(store)[:4] == [
        ("check-asked", "wes", about),
        ("sent-back", "wil", about),
        ("checked", "ada", about),
        ("check-recalled", "wes", about | {"of": ""}),
    ]


@pytest.mark.parametrize(
    "change, stays",
    [
        ({"answers": ANSWERS | {"publish": {"note": "New."}, "done": [], "expecting": {"noise": 1}}}, True),
        ({"answers": ANSWERS | {"sheet": None}}, True),
        ({"answers": ANSWERS | {"said": {"title": "Din"}}}, False),
        ({"answers": ANSWERS | {"to come": "what nobody has thought of yet"}}, False),
        ({"answers": ANSWERS, "file": ("noise.csv", 3, "b" * 64)}, False),
    ],
)
def test_a_check_is_of_what_would_be_published(drafts, draft, change, stays):
    drafts.ask_check(draft.id, WEST_ANALYST, "wil")
    for good, by in ((True, "checked_by"), (False, "sent_back_by")):
        now = drafts.get(draft.id, WIL)
        now = drafts.change(
            draft.id, by=WEST_ANALYST, revision=now.revision, answers=ANSWERS, file=tuple(FILE.values())
        )
        now = drafts.answer_check(draft.id, WIL, now.revision, good=good, reply="So.")
        now = drafts.change(draft.id, by=WEST_ANALYST, revision=now.revision, **change)
        assert (getattr(now, by), now.reply) == (("wil", "So.") if stays else ("", ""))
        assert (now.asked_of, now.asked_by) == ("wil", "wes")
