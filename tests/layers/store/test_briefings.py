"""Briefings in the store: who may write, check, publish, read and withdraw them, and that nothing of it can be changed later."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.model import PUBLIC, SYSTEM, Audience, NotFound, Refused, Viewer
from layers.store import tables
from layers.store.briefing_drafts import RESERVED
from layers.store.briefings import Briefings
from layers.store.drafts import EditConflict
from layers.store.integrity import check as check_store
from layers.store.records import NotPermitted, StoreFault, Withdrawn
from layers.store.versioned import VersionedKind
from tests.layers.store_fixtures import (
    ADMIN,
    EAST_ANALYST,
    EAST_VIEWER,
    NOON,
    WEST_ANALYST,
    WEST_VIEWER,
    briefing,
    indicator,
    publish_briefing,
    unguarded,
)

WEST_SECOND = Viewer("will", "westshire", "analyst")
VIEWERS = {
    "public": PUBLIC,
    "a role without a name": Viewer("", "westshire", "admin"),
    "owner's analyst": WEST_ANALYST,
    "owner's viewer": WEST_VIEWER,
    "every partner at once": Viewer("one", "westshire", "viewer", own=False),
    "other analyst": EAST_ANALYST,
    "other viewer": EAST_VIEWER,
    "admin": ADMIN,
    "system": SYSTEM,
    "no partner": Viewer("nil", "", "viewer"),
    "unknown partner": Viewer("odd", "atlantis", "analyst"),
    "unknown role": Viewer("odd", "westshire", "wizard"),
}
MAY = {
    Audience.PUBLIC: set(VIEWERS),
    Audience.PARTNERS: set(VIEWERS)
    - {"public", "a role without a name", "no partner", "unknown partner", "unknown role"},
    Audience.OWNER: {"owner's analyst", "owner's viewer", "admin", "system"},
}


@pytest.fixture
def briefings(store):
    return Briefings(store)


def people(store, *viewers):
    for viewer in viewers:
        store.accounts.add_user(viewer.user, role=viewer.role, partner=viewer.partner, by=SYSTEM)


def actions(store):
    """(action, briefing, version) of every audit line about a briefing, oldest first."""
    return [
        (line.action, line.thing_id, line.version)
        for line in reversed(store.audit(ADMIN))
        if line.action.startswith("briefing")
    ]


def about_briefings(store, viewer):
    return [line.thing_id for line in store.audit(viewer) if line.what == "briefing"]


# -- drafts ------------------------------------------------------------------------------------------------------------


def test_a_draft_keeps_the_text_and_counts_its_changes(briefings, store, clock):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    assert (draft.revision, draft.partner, draft.title, draft.base_version) == (1, "westshire", "Noise at night", 0)
    clock.on(minutes=5)
    changed = briefings.drafts.change(draft.id, WEST_SECOND, 1, briefing("Noise by day"))
    assert (changed.revision, changed.title, changed.changed_by) == (2, "Noise by day", "will")
    assert changed.changed_at - changed.made_at == timedelta(minutes=5)
    assert changed.authors == ("wes", "will")
    assert briefings.drafts.get(draft.id, WEST_ANALYST) == changed
    assert briefings.drafts.list(WEST_ANALYST) == (changed,)
    briefings.drafts.discard(draft.id, WEST_SECOND)
    assert briefings.drafts.list(WEST_ANALYST) == ()
    assert [action for action, _, _ in actions(store)] == ["briefing-draft-begun", "briefing-draft-discarded"]


def test_a_change_that_changes_nothing_is_no_revision(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    assert briefings.drafts.change(draft.id, WEST_SECOND, 1, briefing().replace("\n", "\r\n")) == draft


def test_a_text_that_cannot_be_read_yet_is_kept(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, "---\ntitle: 'Half")
    assert draft.title == "Half"
    quoted = briefings.drafts.begin(WEST_ANALYST, '---\ntitle: "Far: from \\"help\\" # in winter"\n---\n')
    assert quoted.title == 'Far: from "help" # in winter'
    assert briefings.drafts.change(draft.id, WEST_ANALYST, 1, "").text == ""


@pytest.mark.parametrize("text", ["x" * 200_001, "null \x00", "half a pair \ud800"])
def test_a_text_that_cannot_be_kept_is_refused(briefings, text):
    with pytest.raises(Refused, match="not kept"):
        briefings.drafts.begin(WEST_ANALYST, text)
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    with pytest.raises(Refused, match="not kept"):
        briefings.drafts.change(draft.id, WEST_ANALYST, 1, text)
    assert briefings.drafts.get(draft.id, WEST_ANALYST) == draft


def test_two_people_on_one_draft_notice_each_other(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    briefings.drafts.change(draft.id, WEST_SECOND, 1, briefing("Hers"))
    with pytest.raises(EditConflict, match="will changed this draft") as overtaken:
        briefings.drafts.change(draft.id, WEST_ANALYST, 1, briefing("His"))
    assert overtaken.value.draft.title == "Hers"
    assert briefings.drafts.get(draft.id, WEST_ANALYST).title == "Hers"


def test_drafts_are_their_partners_and_nobody_elses(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    for viewer in (PUBLIC, WEST_VIEWER, EAST_ANALYST, EAST_VIEWER):
        assert briefings.drafts.list(viewer) == ()
        ways = (
            lambda i, v=viewer: briefings.drafts.get(i, v),
            lambda i, v=viewer: briefings.drafts.change(i, v, 1, "x"),
            lambda i, v=viewer: briefings.drafts.discard(i, v),
            lambda i, v=viewer: briefings.drafts.ask_check(i, v, "ada"),
            lambda i, v=viewer: briefings.drafts.answer_check(i, v, 1),
            lambda i, v=viewer: briefings.publish(i, by=v, pins={}, facts={}, revision=1),
        )
        for way in ways:
            words = set()
            for draft_id in (draft.id, "0" * 16):  # there, and not there: the same answer
                with pytest.raises(NotFound) as missing:
                    way(draft_id)
                words.add(str(missing.value))
            assert words == {"There is no such draft."}
    assert briefings.drafts.list(ADMIN) == (draft,)


@pytest.mark.parametrize("viewer", [PUBLIC, WEST_VIEWER, Viewer("", "westshire", "analyst")])
def test_only_analysts_and_admins_write(briefings, viewer):
    with pytest.raises(NotPermitted):
        briefings.drafts.begin(viewer, briefing())
    with pytest.raises(NotPermitted):
        briefings.publish(text=briefing(), by=viewer, pins={}, facts={})


def test_whose_a_new_draft_is(briefings):
    assert (
        briefings.drafts.begin(EAST_ANALYST, briefing(partner="westshire")).partner == "eastshire"
    )  # not theirs to give
    assert briefings.drafts.begin(ADMIN, briefing(partner="westshire")).partner == "westshire"
    assert briefings.drafts.begin(ADMIN, "").partner == "icb"
    with pytest.raises(Refused, match="whose it is"):
        briefings.drafts.begin(SYSTEM, "")


def test_a_draft_of_a_briefing_that_is_there_is_its_next_version(briefings, store):
    publish_briefing(store, briefing_id="noise")
    draft = briefings.drafts.begin(WEST_ANALYST, briefing("Louder"), "noise")
    assert (draft.briefing_id, draft.base_version, draft.partner) == ("noise", 1, "westshire")
    done = briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=1)
    assert (done.id, done.version, done.title) == ("noise", 2, "Louder")


def test_beginning_at_an_id_says_nothing_about_what_is_there(briefings, store):
    publish_briefing(store, briefing(audience="owner"), briefing_id="secret")
    hidden = briefings.drafts.begin(EAST_ANALYST, briefing(partner="eastshire"), "secret")
    free = briefings.drafts.begin(EAST_ANALYST, briefing(partner="eastshire"), "free")
    for draft in (hidden, free):
        assert (draft.base_version, draft.partner, draft.revision) == (0, "eastshire", 1)


def test_a_draft_can_be_given_another_id(briefings, store):
    publish_briefing(store, briefing_id="noise")
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    draft = briefings.drafts.change(draft.id, WEST_ANALYST, 1, draft.text, briefing_id="noise")
    assert (draft.briefing_id, draft.base_version, draft.revision) == ("noise", 1, 2)
    draft = briefings.drafts.change(draft.id, WEST_ANALYST, 2, draft.text, briefing_id="")
    assert (draft.briefing_id, draft.base_version) == ("", 0)


# -- a colleague's check -----------------------------------------------------------------------------------------------


def test_a_check_is_made_by_somebody_who_did_not_write_it(briefings, store):
    people(store, WEST_ANALYST, WEST_VIEWER)
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    with pytest.raises(Refused, match="Nobody was asked"):
        briefings.drafts.ask_check(draft.id, WEST_ANALYST, of="wes")
    with pytest.raises(NotFound):
        briefings.drafts.answer_check(draft.id, WEST_VIEWER, 1)  # a viewer who was not asked does not see it
    asked = briefings.drafts.ask_check(draft.id, WEST_ANALYST, of=" Wendy ", note="Is the first page fair?")
    assert asked.awaits_check
    assert (asked.asked_of, asked.asked_by, asked.asked_note) == ("wendy", "wes", "Is the first page fair?")
    assert briefings.drafts.list(WEST_VIEWER) == (asked,)
    with pytest.raises(NotPermitted, match="somebody else"):
        briefings.drafts.answer_check(draft.id, WEST_ANALYST, 1)
    with pytest.raises(NotPermitted, match="asked to check"):
        briefings.drafts.change(draft.id, WEST_VIEWER, 1, "mine now")
    checked = briefings.drafts.answer_check(draft.id, WEST_VIEWER, 1)
    assert (checked.checked_by, checked.awaits_check) == ("wendy", False)
    done = briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=1)
    assert (done.checked_by, done.checked_at) == ("wendy", NOON)
    assert briefings.get(done.id, PUBLIC).checked_by == ""  # the public does not learn who
    assert briefings.get(done.id, PUBLIC).checked_at == NOON


def test_a_check_is_of_one_text(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    briefings.drafts.change(draft.id, WEST_ANALYST, 1, briefing("Other words"))
    with pytest.raises(EditConflict):
        briefings.drafts.answer_check(draft.id, WEST_SECOND, 1)  # read the words before
    assert briefings.drafts.answer_check(draft.id, WEST_SECOND, 2).checked_by == "will"
    changed = briefings.drafts.change(draft.id, WEST_ANALYST, 2, briefing("Yet other words"))
    assert (changed.checked_by, changed.checked_at) == ("", None)
    done = briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=3)
    assert done.checked_by == ""


def test_whoever_wrote_a_part_of_it_cannot_check_it(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    briefings.drafts.change(draft.id, WEST_SECOND, 1, briefing("Two hands"))
    for author in (WEST_ANALYST, WEST_SECOND):
        with pytest.raises(NotPermitted, match="or some of it"):
            briefings.drafts.answer_check(draft.id, author, 2)
    assert briefings.drafts.answer_check(draft.id, ADMIN, 2).checked_by == "ada"


def test_the_command_line_is_nobody_who_could_check(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    with pytest.raises(NotPermitted, match="a person"):
        briefings.drafts.answer_check(draft.id, SYSTEM, 1)


def test_a_colleague_is_asked_only_where_the_audience_reaches(briefings, store):
    people(store, EAST_VIEWER, EAST_ANALYST)
    for audience, may in (("public", True), ("partners", True), ("owner", False)):
        draft = briefings.drafts.begin(WEST_ANALYST, briefing(audience=audience))
        if may:
            briefings.drafts.ask_check(draft.id, WEST_ANALYST, of="eve")
            assert draft.id in {found.id for found in briefings.drafts.list(EAST_VIEWER)}
            # narrowing the audience afterwards closes the draft to her again
            briefings.drafts.change(draft.id, WEST_ANALYST, 1, briefing(audience="owner"))
            assert draft.id not in {found.id for found in briefings.drafts.list(EAST_VIEWER)}
            with pytest.raises(NotFound):
                briefings.drafts.answer_check(draft.id, EAST_VIEWER, 2)
        else:
            words = set()
            for name in ("eve", "nobody"):  # not one of them, and not there at all: the same answer
                with pytest.raises(Refused) as refused:
                    briefings.drafts.ask_check(draft.id, WEST_ANALYST, of=name)
                words.add(str(refused.value).replace(name, "NAME"))
            assert len(words) == 1
    broken = briefings.drafts.begin(WEST_ANALYST, "---\naudience: public")
    with pytest.raises(Refused, match="Nobody was asked"):
        briefings.drafts.ask_check(broken.id, WEST_ANALYST, of="eve")  # nobody knows yet whom it is for


def test_a_disabled_account_is_not_asked(briefings, store):
    people(store, WEST_VIEWER)
    store.accounts.disable_user("wendy", by=SYSTEM)
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    with pytest.raises(Refused, match="Nobody was asked"):
        briefings.drafts.ask_check(draft.id, WEST_ANALYST, of="wendy")


# -- publishing --------------------------------------------------------------------------------------------------------


def test_publishing_a_draft_is_all_of_it_at_once(briefings, store):
    before = store.generation()
    draft = briefings.drafts.begin(WEST_ANALYST, briefing(), "noise-at-night")
    facts = {"value layer=harm area=T16": {"text": "20 per 1,000", "value": 20.0}}
    done = briefings.publish(
        draft.id, by=WEST_ANALYST, pins={"harm": 1}, facts=facts, revision=1, note=" For the June meeting. "
    )
    assert (done.id, done.version, done.state) == ("noise-at-night", 1, "current")
    assert (done.text, done.pins, done.facts) == (draft.text, {"harm": 1}, facts)
    assert (done.published_at, done.published_by, done.note) == (NOON, "wes", "For the June meeting.")
    assert (done.partner, done.audience, done.title) == ("westshire", Audience.PUBLIC, "Noise at night")
    assert briefings.get("noise-at-night", WEST_ANALYST) == done
    assert briefings.drafts.list(WEST_ANALYST) == ()
    assert store.generation() > before
    assert actions(store) == [
        ("briefing-draft-begun", "noise-at-night", None),
        ("briefing-publish", "noise-at-night", 1),
    ]
    assert check_store(store) == []


def test_a_file_is_published_without_a_draft(store, briefings):
    done = publish_briefing(store, briefing().replace("audience: public", "review_on: 2027-03-31"), briefing_id="b")
    assert (done.version, done.review_on, done.audience) == (1, "2027-03-31", Audience.PUBLIC)
    assert publish_briefing(store, briefing_id="b").version == 2
    with pytest.raises(Refused, match="already, in version 2") as refused:
        publish_briefing(store, briefing_id="b", expecting=0)
    assert refused.value.faults[0].rule == "overtaken"


def test_an_id_is_made_where_none_is_given(store):
    made = [publish_briefing(store, briefing("Ärger, nachts & Lärm?")).id for _ in range(3)]
    assert made == ["westshire-arger-nachts-larm", "westshire-arger-nachts-larm-2", "westshire-arger-nachts-larm-3"]
    assert publish_briefing(store, briefing('"?"')).id == "westshire-briefing"
    assert len(publish_briefing(store, briefing("w" * 90)).id) == 72


def test_a_text_with_faults_is_not_published_and_the_draft_stays(briefings, store):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing(body="<script>"))
    with pytest.raises(Refused, match="cannot be read") as refused:
        briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=1)
    assert any("line 8" in str(fault) for fault in refused.value.faults)
    assert briefings.drafts.list(WEST_ANALYST) == (draft,)
    assert briefings.list(ADMIN) == ()
    assert actions(store)[-1] == ("briefing-publish-refused", "", None)


@pytest.mark.parametrize("bad", ["", "Noise", "a b", "ä", "-a", "a" * 81, "a\n", "../etc", *RESERVED])
def test_an_id_that_cannot_be_had(store, bad):
    if bad:
        with pytest.raises(Refused, match="not published"):
            publish_briefing(store, briefing_id=bad)
    with pytest.raises(NotFound):
        Briefings(store).get(bad, ADMIN)


def test_a_taken_id_is_refused_alike_whether_it_can_be_seen_or_not(store, briefings):
    publish_briefing(store, briefing(audience="owner"), briefing_id="hidden")
    publish_briefing(store, briefing_id="shown")
    withdrawn = publish_briefing(store, briefing(audience="owner"), briefing_id="gone").id
    briefings.withdraw(withdrawn, WEST_ANALYST, "wrong")
    words = set()
    # another's hidden, shown and withdrawn ones; a page of the site; built-in briefings, of the region and of a theme
    for wanted in ("hidden", "shown", "gone", "edit", "shared-gaps", "gaps-housing"):
        with pytest.raises(Refused) as refused:
            publish_briefing(store, briefing(partner="eastshire"), by=EAST_ANALYST, briefing_id=wanted)
        words.add(str(refused.value).replace(wanted, "ID"))
    assert len(words) == 1
    assert briefings.get("hidden", ADMIN).version == 1
    # and neither do the lines of their own trail tell of it: what they tried themselves stands there alike, and nothing else
    tried = {"hidden", "shown", "gone", "edit", "shared-gaps", "gaps-housing"}
    assert {(line.thing_id, line.action) for line in store.audit(EAST_ANALYST)} == {
        (one, "briefing-publish-refused") for one in tried
    }
    assert publish_briefing(store, by=ADMIN, briefing_id="shared-gaps").version == 1


def test_an_analyst_publishes_for_their_own_partner_only(store):
    with pytest.raises(NotPermitted, match="of 'eastshire' only"):
        publish_briefing(store, briefing(partner="westshire"), by=EAST_ANALYST)
    with pytest.raises(Refused, match="not published") as refused:
        publish_briefing(store, briefing(partner="atlantis"), by=ADMIN)
    assert refused.value.faults[0].rule == "partner"
    assert publish_briefing(store, briefing(partner="eastshire"), by=ADMIN).partner == "eastshire"


def test_a_briefing_stays_its_partners(store):
    publish_briefing(store, briefing_id="b")
    with pytest.raises(Refused, match="not published") as refused:
        publish_briefing(store, briefing(partner="eastshire"), by=ADMIN, briefing_id="b")
    assert "is of 'westshire', this text says 'eastshire'" in str(refused.value)


def test_a_draft_that_was_overtaken_is_not_published(briefings, store):
    publish_briefing(store, briefing_id="b")
    mine, hers = (briefings.drafts.begin(who, briefing("New"), "b") for who in (WEST_ANALYST, WEST_SECOND))
    assert briefings.publish(hers.id, by=WEST_SECOND, pins={}, facts={}, revision=1).version == 2
    with pytest.raises(Refused) as refused:
        briefings.publish(mine.id, by=WEST_ANALYST, pins={}, facts={}, revision=1)
    assert refused.value.faults[0].what == "version 2 was published meanwhile; you were working from version 1"
    # having looked at it, he may
    assert briefings.publish(mine.id, by=WEST_ANALYST, pins={}, facts={}, revision=1, expecting=2).version == 3


def test_what_was_filled_in_is_of_the_text_that_is_published(briefings):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing())
    briefings.drafts.change(draft.id, WEST_SECOND, 1, briefing("Other"))
    with pytest.raises(EditConflict):
        briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=1)
    with pytest.raises(ValueError, match="which revision"):
        briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={})
    with pytest.raises(ValueError, match="a draft or a text"):
        briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=2, text="x")
    with pytest.raises(ValueError, match="not a version: harm=0"):
        briefings.publish(draft.id, by=WEST_ANALYST, pins={"harm": 0}, facts={}, revision=2)


# -- what a briefing may take numbers from -----------------------------------------------------------------------------

OPEN_TO = {  # layer's audience and partner -> audiences of a Westshire briefing that may use it
    ("public", "eastshire"): {"public", "partners", "owner"},
    ("partners", "eastshire"): {"partners", "owner"},
    ("owner", "eastshire"): set(),
    ("owner", "westshire"): {"owner"},
}


@pytest.mark.parametrize(("audience", "partner"), OPEN_TO)
def test_no_briefing_takes_numbers_that_its_readers_may_not_see(store, quick, audience, partner):
    store.publish(indicator(audience=Audience(audience), partner=partner), by=ADMIN)
    for whom in Audience:
        if whom in OPEN_TO[audience, partner]:
            assert publish_briefing(store, briefing(audience=whom), pins={"noise": 1}).pins == {"noise": 1}
            continue
        words = set()
        for pin in ("noise", "nothing"):  # hidden from the audience, and not there
            with pytest.raises(Refused) as refused:
                publish_briefing(store, briefing(audience=whom), pins={pin: 1})
            assert [fault.rule for fault in refused.value.faults] == ["pin"]
            words.add(str(refused.value).replace(pin, "LAYER"))
        assert len(words) == 1


def test_the_strictest_of_a_layers_versions_decides(store, quick):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2, audience=Audience.OWNER), by=WEST_ANALYST)
    for version in (1, 2):
        with pytest.raises(Refused):
            publish_briefing(store, pins={"noise": version})  # it is the owner's now, its past too
    store.publish(indicator(first=3), by=WEST_ANALYST)
    assert publish_briefing(store, pins={"noise": 1}).pins == {"noise": 1}
    with pytest.raises(Refused):
        publish_briefing(store, pins={"noise": 2})


def test_what_was_withdrawn_rolled_back_or_is_to_come_cannot_be_pinned(store, quick, clock):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    store.publish(indicator(first=3), by=WEST_ANALYST, at=NOON + timedelta(days=1))
    with pytest.raises(Refused):
        publish_briefing(store, pins={"noise": 3})
    store.rollback("noise", to=1, by=WEST_ANALYST, reason="wrong year")
    with pytest.raises(Refused):
        publish_briefing(store, pins={"noise": 2})
    assert publish_briefing(store, pins={"noise": 1}).version == 1
    store.withdraw("noise", by=WEST_ANALYST, reason="wrong")
    with pytest.raises(Refused) as refused:
        publish_briefing(store, pins={"noise": 1, "harm": 1, "crowded": 9})
    assert [fault.where for fault in refused.value.faults] == ["layer 'crowded'", "layer 'noise'"]  # all of them told


# -- who may read ------------------------------------------------------------------------------------------------------


def test_every_viewer_reads_exactly_what_the_audience_allows(store, briefings):
    for audience in Audience:
        publish_briefing(store, briefing(audience=audience), briefing_id=f"for-{audience}")
    for audience in Audience:
        there = f"for-{audience}"
        for name, viewer in VIEWERS.items():
            ways = {
                "get": lambda i, v=viewer: briefings.get(i, v),
                "version": lambda i, v=viewer: briefings.get(i, v, version=1),
                "history": lambda i, v=viewer: briefings.history(i, v),
            }
            allowed = name in MAY[audience]
            assert (there in {entry.id for entry in briefings.list(viewer)}) == allowed, (audience, name)
            if allowed:
                assert all(way(there) for way in ways.values())
                continue
            ways["withdraw"] = lambda i, v=viewer: briefings.withdraw(i, v, "a reason")
            ways["restore"] = lambda i, v=viewer: briefings.rollback(i, 1, v, "a reason")
            for way, read in ways.items():
                with pytest.raises(NotFound) as hidden:
                    read(there)
                with pytest.raises(NotFound) as missing:
                    read("nothing")
                assert type(hidden.value) is type(missing.value) is NotFound, (audience, name, way)
                assert str(hidden.value) == str(missing.value).replace("nothing", there), (audience, name, way)


def test_the_audience_of_what_is_shown_decides_over_the_past_too(store, briefings):
    publish_briefing(store, briefing(audience="public"), briefing_id="b")
    publish_briefing(store, briefing(audience="owner"), briefing_id="b")
    for version in (None, 1, 2):
        with pytest.raises(NotFound):
            briefings.get("b", PUBLIC, version=version)
    publish_briefing(store, briefing(audience="public"), briefing_id="b")
    assert briefings.get("b", PUBLIC, version=1).version == 1
    with pytest.raises(NotFound, match="no version 2"):
        briefings.get("b", PUBLIC, version=2)
    assert [found.version for found in briefings.history("b", PUBLIC)] == [3, 1]
    assert [found.version for found in briefings.history("b", WEST_VIEWER)] == [3, 2, 1]
    for version in (0, -1, 4, 10**9):
        with pytest.raises(NotFound, match="no version"):
            briefings.get("b", ADMIN, version=version)


def test_the_public_learns_which_partner_published_but_not_who(store, briefings):
    publish_briefing(store, briefing_id="b")
    assert briefings.get("b", PUBLIC).published_by == briefings.list(PUBLIC)[0].published_by == "westshire"
    assert briefings.history("b", PUBLIC)[0].published_by == "westshire"
    assert briefings.get("b", EAST_VIEWER).published_by == briefings.list(EAST_VIEWER)[0].published_by == "wes"


def test_facts_are_kept_for_those_who_may_change_the_briefing(store, briefings):
    facts = {"value": {"text": "20", "value": 20.0}}
    publish_briefing(store, briefing_id="b", facts=facts)
    for viewer in (WEST_ANALYST, WEST_SECOND, ADMIN):
        assert briefings.get("b", viewer).facts == facts
    for viewer in (PUBLIC, WEST_VIEWER, EAST_ANALYST):  # their layer may be withdrawn later; the number would stay
        assert briefings.get("b", viewer).facts == {}
        assert briefings.history("b", viewer)[0].facts == {}


def test_the_list_is_newest_first(store, briefings, clock):
    for name in ("c", "a", "b"):
        publish_briefing(store, briefing(name.upper()), briefing_id=name)
        clock.on(hours=1)
    publish_briefing(store, briefing_id="a", note="again")
    assert [entry.id for entry in briefings.list(PUBLIC)] == ["a", "b", "c"]
    first = briefings.list(WEST_VIEWER)[0]
    assert (first.version, first.title, first.note) == (2, "Noise at night", "again")


# -- withdrawing and restoring -----------------------------------------------------------------------------------------


def test_withdrawing_counts_at_once_in_every_process(store, reopen, briefings):
    publish_briefing(store, briefing(audience="partners"), briefing_id="b")
    other = Briefings(reopen())
    assert other.get("b", EAST_VIEWER).version == 1
    briefings.withdraw("b", WEST_ANALYST, " The map was wrong. ")  # the clock stands still: no second goes by
    for viewer in (EAST_VIEWER, WEST_ANALYST, ADMIN):
        with pytest.raises(
            Withdrawn, match="The briefing 'Noise at night' was withdrawn on 1 June 2026: The map was"
        ) as gone:
            other.get("b", viewer)
        assert gone.value.reason == "The map was wrong."
        assert other.list(viewer) == ()
    with pytest.raises(Withdrawn):
        other.history("b", EAST_VIEWER)
    with pytest.raises(Withdrawn):
        other.get("b", EAST_VIEWER, version=1)
    with pytest.raises(NotFound) as hidden:
        other.get("b", PUBLIC)  # never heard of it
    assert type(hidden.value) is NotFound
    assert [found.state for found in other.history("b", WEST_ANALYST)] == ["withdrawn"]
    assert other.get("b", WEST_ANALYST, version=1).state == "withdrawn"
    assert [entry.withdrawn_because for entry in other.withdrawn(WEST_ANALYST)] == ["The map was wrong."]
    assert other.withdrawn(EAST_ANALYST) == other.withdrawn(WEST_VIEWER) == ()
    assert check_store(store) == []


def test_an_earlier_version_is_restored_and_the_later_ones_close(store, briefings):
    for title in ("One", "Two", "Three"):
        publish_briefing(store, briefing(title), briefing_id="b")
    briefings.rollback("b", 2, WEST_ANALYST, "Three had last year's rule.")
    assert briefings.get("b", PUBLIC).title == "Two"
    assert [found.version for found in briefings.history("b", PUBLIC)] == [2, 1]
    assert [found.state for found in briefings.history("b", WEST_ANALYST)] == ["rolled-back", "current", "superseded"]
    with pytest.raises(NotFound):
        briefings.get("b", PUBLIC, version=3)
    briefings.withdraw("b", WEST_ANALYST, "wrong")
    briefings.rollback("b", 1, ADMIN, "this one was right")
    assert briefings.get("b", PUBLIC).title == "One"
    assert publish_briefing(store, briefing("Four"), briefing_id="b").version == 4
    assert [found.version for found in briefings.history("b", PUBLIC)] == [4, 1]
    assert [action for action, _, _ in actions(store)] == [
        *["briefing-publish"] * 3, "briefing-restore", "briefing-withdraw", "briefing-restore", "briefing-publish",
    ]  # fmt: skip
    assert check_store(store) == []


def test_what_cannot_be_withdrawn_or_restored(store, briefings):
    publish_briefing(store, briefing_id="b")
    for way in (
        lambda: briefings.withdraw("b", WEST_ANALYST, " "),
        lambda: briefings.rollback("b", 1, WEST_ANALYST, ""),
    ):
        with pytest.raises(Refused, match="without a reason"):
            way()
    with pytest.raises(Refused, match="not restored"):
        briefings.rollback("b", 1, WEST_ANALYST, "because")  # shown already
    for to in (0, 2):
        with pytest.raises(NotFound, match=f"no version {to}"):
            briefings.rollback("b", to, WEST_ANALYST, "because")
    for viewer in (EAST_ANALYST, WEST_VIEWER):
        with pytest.raises(NotPermitted, match="analysts of Westshire Council and admins"):
            briefings.withdraw("b", viewer, "because")
        with pytest.raises(NotPermitted):
            briefings.rollback("b", 1, viewer, "because")
    briefings.withdraw("b", WEST_ANALYST, "because")
    with pytest.raises(Refused, match="not withdrawn"):
        briefings.withdraw("b", WEST_ANALYST, "because")


def test_the_audit_trail_of_a_briefing_is_its_partners(store, briefings):
    publish_briefing(
        store, briefing(audience="owner"), briefing_id="west", by=ADMIN
    )  # an admin of another partner did it
    publish_briefing(store, briefing(partner="eastshire"), briefing_id="east", by=EAST_ANALYST)
    briefings.drafts.begin(ADMIN, briefing(), "west")
    icb = Viewer("ivy", "icb", "analyst")
    assert about_briefings(store, WEST_ANALYST) == ["west", "west"]
    assert {(line.what, line.thing_id) for line in store.audit(EAST_ANALYST)} == {("briefing", "east")}
    with pytest.raises(Refused):
        publish_briefing(store, briefing(audience="owner"), briefing_id="free", by=ADMIN, pins={"nothing": 1})
    assert store.audit(ADMIN)[0].thing_id == "free"
    assert about_briefings(store, icb) == []  # although the admin is one of theirs


# -- at the same time --------------------------------------------------------------------------------------------------


def at_once(*works):
    """Run each in a thread of its own, started together; what each gave or raised."""
    start, out = threading.Barrier(len(works)), [None] * len(works)

    def run(number, work):
        start.wait()
        try:
            out[number] = work()
        except Exception as error:
            out[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def test_two_who_save_the_same_revision(store, reopen):
    draft = Briefings(store).drafts.begin(WEST_ANALYST, briefing())
    one, two = Briefings(store), Briefings(reopen())
    for revision in range(1, 6):
        done = at_once(
            lambda r=revision: one.drafts.change(draft.id, WEST_ANALYST, r, briefing(f"One {r}")),
            lambda r=revision: two.drafts.change(draft.id, WEST_SECOND, r, briefing(f"Two {r}")),
        )
        assert sorted(type(found).__name__ for found in done) == ["BriefingDraft", "EditConflict"]
        assert one.drafts.get(draft.id, WEST_ANALYST).revision == revision + 1


def test_two_who_publish_the_same_draft(store, reopen, briefings):
    other = Briefings(reopen())
    for number in range(1, 6):
        draft = briefings.drafts.begin(WEST_ANALYST, briefing(), f"b{number}")
        done = at_once(
            lambda d=draft: briefings.publish(d.id, by=WEST_ANALYST, pins={}, facts={}, revision=1),
            lambda d=draft: other.publish(d.id, by=WEST_SECOND, pins={}, facts={}, revision=1),
        )
        assert sorted(type(found).__name__ for found in done) == ["NotFound", "PublishedBriefing"]
        assert briefings.get(draft.briefing_id, PUBLIC).version == 1
    assert check_store(store) == []


def test_two_partners_who_want_the_same_new_id(store, reopen, briefings):
    other = reopen()
    for number in range(5):
        west, east = at_once(
            lambda n=number: publish_briefing(store, briefing_id=f"b{n}"),
            lambda n=number: publish_briefing(
                other, briefing(partner="eastshire"), by=EAST_ANALYST, briefing_id=f"b{n}"
            ),
        )
        assert sorted(type(found).__name__ for found in (west, east)) == ["PublishedBriefing", "Refused"]
        winner = west if not isinstance(west, Exception) else east
        assert briefings.get(f"b{number}", ADMIN).partner == winner.partner
    assert check_store(store) == []


def test_many_versions_at_once_have_numbers_without_a_hole(store, reopen, briefings):
    others = [store, reopen(), reopen()]
    done = at_once(
        *(lambda s=s, n=n: publish_briefing(s, briefing(f"N{n}"), briefing_id="b") for n, s in enumerate(others))
    )
    assert sorted(found.version for found in done) == [1, 2, 3]
    assert check_store(store) == []


def test_a_change_and_a_check_at_once_never_leave_a_check_of_other_words(store, reopen, briefings):
    other = Briefings(reopen())
    for _ in range(5):
        draft = briefings.drafts.begin(WEST_ANALYST, briefing())
        at_once(
            lambda d=draft: briefings.drafts.change(d.id, WEST_ANALYST, 1, briefing("Changed")),
            lambda d=draft: other.drafts.answer_check(d.id, WEST_SECOND, 1),
        )
        after = briefings.drafts.get(draft.id, WEST_ANALYST)
        assert (after.title, after.checked_by) == ("Changed", "")


# -- laws --------------------------------------------------------------------------------------------------------------

DECISIONS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "withdraw", "restore"]),
        st.sampled_from("ab"),
        st.sampled_from(list(Audience)),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=8,
)


@given(decisions=DECISIONS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_list_and_get_agree_for_every_viewer(store, decisions):
    briefings, last = Briefings(store), {}
    before = len(briefings.list(ADMIN)) + len(briefings.withdrawn(ADMIN))  # of the examples before this one
    for action, letter, audience, to in decisions:
        name = f"{letter}{before}"
        try:
            if action == "publish" or name not in last:
                last[name] = publish_briefing(store, briefing(audience=audience), briefing_id=name)
            elif action == "withdraw":
                briefings.withdraw(name, WEST_ANALYST, "a reason")
            else:
                briefings.rollback(name, to, WEST_ANALYST, "a reason")
        except (Refused, NotFound):
            continue
    assert set(last) <= {entry.id for entry in (*briefings.list(ADMIN), *briefings.withdrawn(ADMIN))}
    for viewer in VIEWERS.values():
        listed = {entry.id: entry for entry in briefings.list(viewer)}
        for name in last:
            try:
                found = briefings.get(name, viewer)
            except NotFound as missing:
                assert name not in listed
                if type(missing) is NotFound:  # then no way at all may tell that it is there
                    assert str(missing) == f"There is no briefing '{name}'."
                    with pytest.raises(NotFound):
                        briefings.history(name, viewer)
                continue
            entry = listed[name]
            assert (entry.version, entry.title, entry.audience) == (found.version, found.title, found.audience)
            assert (entry.published_by, entry.checked_by) == (found.published_by, found.checked_by)
            history = briefings.history(name, viewer)
            assert [one for one in history if one.state == "current"] == [found]
            assert all(briefings.get(name, viewer, version=one.version) == one for one in history)
    assert check_store(store) == []


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE briefing_versions SET text = REPLACE(text, 'loud', 'quiet')", "its text is not what was published"),
        ("UPDATE briefing_versions SET audience = 'public'", "what is said about it is not what was published"),
        ("UPDATE briefing_versions SET pins = '[]'", "cannot be read"),
        ("UPDATE briefing_pointers SET action = 'restore'", "is not in the audit trail"),
        ("DELETE FROM briefing_pointers", "never published"),
        ("INSERT INTO briefings VALUES ('ghost', 'icb', '2026-01-01T00:00:00.000000Z', 'x')", "not 1, 2, 3"),
    ],
)
def test_check_finds_what_was_changed_behind_its_back(store, statement, told):
    publish_briefing(store, briefing(audience="owner"), briefing_id="b", pins={"harm": 1})
    assert check_store(store) == []
    unguarded(store, statement)
    assert any(told in str(fault) for fault in check_store(store)), check_store(store)


def test_a_version_that_was_tampered_with_is_not_shown(store, briefings):
    publish_briefing(store, briefing_id="b")
    publish_briefing(store, briefing_id="c")
    unguarded(store, "UPDATE briefing_versions SET text = 'x' WHERE briefing_id = 'b'")
    with pytest.raises(StoreFault, match="damaged"):
        briefings.get("b", PUBLIC)
    assert briefings.get("c", PUBLIC).title == "Noise at night"  # the rest goes on
    assert {entry.id for entry in briefings.list(PUBLIC)} == {"b", "c"}


def test_a_version_of_which_the_trail_does_not_tell_is_found(store):
    publish_briefing(store, briefing_id="b")
    unguarded(
        store,
        "INSERT INTO briefing_versions SELECT briefing_id, 2, published_at, published_by, note, checked_by, checked_at, "
        "title, audience, review_on, text, pins, facts, text_sha256, record_sha256 FROM briefing_versions",
    )
    told = " ".join(map(str, check_store(store)))
    assert "version 2: it is there, but the audit trail does not tell of it" in told
    assert "versions [2] were written but never published" in told


def test_a_pin_to_what_is_not_there_is_found(store):
    publish_briefing(store, briefing_id="b", pins={"harm": 1})
    unguarded(store, "UPDATE briefing_versions SET pins = '{\"harm\":7}'")
    assert any("takes numbers from what is not there: harm version 7" in str(fault) for fault in check_store(store))


def test_a_publish_that_breaks_off_leaves_nothing(store, briefings, monkeypatch):
    draft = briefings.drafts.begin(WEST_ANALYST, briefing(), "b")
    before, trail = store.generation(), actions(store)

    def broken(*_args, **_more):
        raise RuntimeError("the power went")

    monkeypatch.setattr(VersionedKind, "point", broken)
    with pytest.raises(RuntimeError):
        briefings.publish(draft.id, by=WEST_ANALYST, pins={}, facts={}, revision=1)
    monkeypatch.undo()
    with store.reading() as connection:
        for table in (tables.briefings, tables.briefing_versions, tables.briefing_pointers):
            assert connection.execute(sa.select(table)).all() == []
    assert briefings.drafts.list(WEST_ANALYST) == (draft,)
    assert (store.generation(), actions(store)) == (before, trail)
    assert check_store(store) == []
