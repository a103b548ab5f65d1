"""The room that drafts may take up: held when many come at once, and when files take each other's place; nothing is left behind."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import timedelta

import pytest

from dashboard.housekeeping import Housekeeping
from dashboard.publishing.uploads import Received, Uploads
from layers import SYSTEM, Briefings, Drafts, EditConflict, NotPermitted, Refused, StoreFault, Viewer, open_store
from layers.store import briefing_drafts, drafts
from tests.databases import database_url
from tests.layers.store_fixtures import NOON, Clock

WES = Viewer("wes", "westshire", "analyst")
WILL = Viewer("will", "westshire", "analyst")
EVE = Viewer("eve", "eastshire", "analyst")
ROOM, MOST = 1000, 8


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(drafts, "MOST_BYTES", ROOM)
    monkeypatch.setattr(drafts, "MOST_DRAFTS", MOST)
    monkeypatch.setattr(briefing_drafts, "MOST_DRAFTS", MOST)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(tiny_region, place, clock):
    opened = open_store(database_url(place), tiny_region, fill=False, clock=clock.now)
    yield opened
    opened.close()


@pytest.fixture
def uploads(tmp_path, store):
    made = Uploads(tmp_path, store_id=store.id)
    made.quarantine.mkdir(parents=True)
    return made


def sha(number: int) -> str:
    return f"{number:032x}" * 2


def arrive(uploads: Uploads, number: int, size: int) -> Received:
    file = uploads.quarantine / f"in-{number}"
    file.write_bytes(b"x" * size)
    return Received(file, f"{number}.csv", size, sha(number), {})


def add(store, uploads, number: int, size: int, by: Viewer = WES):
    """As the wizard does it."""
    received, held = arrive(uploads, number, size), Drafts(store)
    draft_id = held.new_id()
    try:
        return held.add(
            by=by, filename=received.filename, size=size, file_sha256=received.sha256, answers={}, draft_id=draft_id,
            keep=lambda: uploads.keep(received, draft_id),
        )  # fmt: skip
    finally:
        received.path.unlink(missing_ok=True)


def replace(store, uploads, draft, number: int, size: int, by: Viewer = WES):
    received, held = arrive(uploads, number, size), Drafts(store)
    try:
        done = held.change(
            draft.id, by=by, revision=draft.revision, answers={}, file=(received.filename, size, received.sha256),
            keep=lambda: uploads.keep(received, draft.id),
        )  # fmt: skip
    finally:
        received.path.unlink(missing_ok=True)
    held.settle(uploads.tidy)
    return done


def is_true(store, uploads, partner: str = "westshire") -> None:
    """What the store says of files is what lies there, and neither is more than there is room for."""
    held = Drafts(store).list(SYSTEM)
    of_partner = [one for one in held if one.partner == partner]
    assert len(of_partner) <= MOST and sum(one.size for one in of_partner) <= ROOM
    files = {file.name: file.stat().st_size for file in uploads.kept.glob("*")}
    assert files == {f"{one.id}-{one.file_sha256[:32]}": one.size for one in held}
    assert list(uploads.quarantine.iterdir()) == []


def at_once(many: int, act) -> list[str]:
    """``act(number)`` in as many threads; how each ended."""
    ended, lock, start = [], threading.Lock(), threading.Barrier(many)

    def run(number):
        start.wait(30)
        try:
            act(number)
            how = "done"
        except (Refused, NotPermitted, EditConflict) as error:
            how = type(error).__name__
        with lock:
            ended.append(how)

    threads = [threading.Thread(target=run, args=[number]) for number in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


@pytest.mark.parametrize(("many", "size", "fit"), [(2, 600, 1), (8, 600, 1), (8, 130, 7), (8, 1, 8), (8, 1001, 0)])
def test_those_who_come_at_once_find_no_more_room_than_there_is(store, uploads, many, size, fit):
    ended = at_once(many, lambda number: add(store, uploads, number, size, by=(WES, WILL)[number % 2]))
    assert ended == ["Refused"] * (many - fit) + ["done"] * fit
    is_true(store, uploads)


def test_the_number_of_drafts_is_held_too_and_each_partner_has_its_own(store, uploads):
    ended = at_once(12, lambda number: add(store, uploads, number, 1))
    assert ended == ["Refused"] * 4 + ["done"] * MOST
    assert add(store, uploads, 99, 900, by=EVE).partner == "eastshire"
    is_true(store, uploads)
    with pytest.raises(Refused, match="take up all the room there is"):
        Drafts(store).check_room(WES)
    Drafts(store).check_room(EVE)


def _from_another_process(url, region, home, numbers, done):
    store = open_store(url, region, fill=False)
    uploads = Uploads(home, store_id=store.id)
    for number in numbers:
        try:
            add(store, uploads, number, 300)
            done.put("done")
        except Refused:
            done.put("Refused")
    store.close()


def test_forked_processes_share_the_room(store, uploads, tiny_region, place, tmp_path):
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    workers = [
        context.Process(
            target=_from_another_process,
            args=(database_url(place), tiny_region, tmp_path, range(10 * n, 10 * n + 2), done),
        )
        for n in range(4)
    ]
    for worker in workers:
        worker.start()
    ended = [done.get(timeout=60) for _ in range(8)]
    for worker in workers:
        worker.join(30)
    assert ended.count("done") == 3
    is_true(store, uploads)


# -- a file in place of another ----------------------------------------------------------------------------------------


def test_a_file_in_place_of_another_counts_itself_and_frees_the_old_one(store, uploads):
    draft = add(store, uploads, 1, 900)
    draft = replace(store, uploads, draft, 2, 1000)  # the old one makes room
    is_true(store, uploads)
    with pytest.raises(Refused, match="take up all the room there is"):
        add(store, uploads, 3, 1)
    draft = replace(store, uploads, draft, 4, 10)
    is_true(store, uploads)
    add(store, uploads, 5, 990)
    with pytest.raises(Refused, match="take up all the room there is"):
        replace(store, uploads, draft, 6, 11)
    is_true(store, uploads)
    assert Drafts(store).get(draft.id, WES).file_sha256 == sha(4)


def test_a_full_partner_can_still_replace_its_files(store, uploads):
    held = [add(store, uploads, number, 100) for number in range(MOST)]
    replace(store, uploads, held[0], 50, 300)
    is_true(store, uploads)


@pytest.mark.parametrize("many", [2, 8])
@pytest.mark.parametrize("same_file", [False, True])
def test_of_those_who_replace_one_file_at_once_one_does_and_its_file_is_there(store, uploads, many, same_file):
    draft = add(store, uploads, 100, 10)
    ended = at_once(many, lambda number: replace(store, uploads, draft, 7 if same_file else number, 20))
    assert ended == ["EditConflict"] * (many - 1) + ["done"]
    is_true(store, uploads)


@pytest.mark.parametrize("many", [2, 8])
def test_those_who_replace_files_of_their_own_at_once_share_the_room(store, uploads, many):
    held = [add(store, uploads, 100 + number, 10) for number in range(many)]
    ended = at_once(many, lambda number: replace(store, uploads, held[number], number, 400))
    fit = 2 if many > 2 else many  # 2 x 400 + 6 x 10, and a third is too much
    assert ended == ["Refused"] * (many - fit) + ["done"] * fit
    is_true(store, uploads)


def test_replacing_that_fails_leaves_the_old_file_and_nothing_else(store, uploads, monkeypatch):
    draft = add(store, uploads, 1, 100)
    file = uploads.path_of(draft.id, draft.file_sha256)
    for fails in ("no room on the disk", "the database"):
        with monkeypatch.context() as patch:
            if fails == "the database":
                really = uploads.keep

                def kept_and_then(received, draft_id, really=really):
                    really(received, draft_id)
                    raise StoreFault("The store could not be written; nothing was changed.", [])

                patch.setattr(uploads, "keep", kept_and_then)
            else:
                patch.setattr(uploads, "keep", _full)
            with pytest.raises((OSError, StoreFault)):
                replace(store, uploads, draft, 2, 200)
        assert file.stat().st_size == 100
        Drafts(store).settle(uploads.tidy)
        is_true(store, uploads)
    assert replace(store, uploads, draft, 3, 300).revision == 2


def _full(*_args):
    raise OSError(28, "No space left on device")


def test_a_draft_that_ends_while_its_file_is_replaced_leaves_nothing(store, uploads):
    def act(number):
        if number:
            replace(store, uploads, draft, number, 20)
        else:
            Drafts(store).remove(draft.id, by=WES, why="discarded")
            uploads.forget(draft.id)

    for round_ in range(6):
        draft = add(store, uploads, 100 + round_, 10)
        with pytest.MonkeyPatch.context():
            ended = _ended(act)
        assert "done" in ended
        Drafts(store).settle(uploads.tidy)
        is_true(store, uploads)
        for left in Drafts(store).list(WES):
            Drafts(store).remove(left.id, by=WES, why="discarded")
            uploads.forget(left.id)


def _ended(act) -> list[str]:
    from layers import NotFound

    def tolerant(number):
        try:
            act(number)
        except NotFound:
            raise NotPermitted("gone") from None

    return at_once(4, tolerant)


@pytest.mark.parametrize("many", [2, 8])
def test_briefings_that_are_begun_at_once_are_no_more_than_one_person_may_have(store, many):
    text = "---\ntitle: T\npartner: westshire\n---\n# T\n"
    for _ in range(MOST - 1):
        Briefings(store).drafts.begin(WES, text)
    ended = at_once(many, lambda number: Briefings(store).drafts.begin(WES, text))
    assert ended == ["NotPermitted"] * (many - 1) + ["done"]
    Briefings(store).drafts.begin(WILL, text)


# -- what is over ------------------------------------------------------------------------------------------------------


def test_what_is_over_is_forgotten_while_the_server_runs(store, uploads, clock, tmp_path, tiny_region):
    from dashboard.published import Published

    store.accounts.add_user("wes", role="analyst", partner="westshire", by=SYSTEM)
    store.accounts.start_session("wes")
    old, text = add(store, uploads, 1, 10), "---\ntitle: T\npartner: westshire\n---\n# T\n"
    Briefings(store).drafts.begin(WES, text)
    (uploads.kept / f"{'0' * 16}-{sha(9)[:32]}").write_bytes(b"of a server that was killed")
    keeping = Housekeeping(Published(tiny_region, store, tmp_path), sign_in_days=365, draft_days=180)
    keeping.do()
    is_true(store, uploads)
    assert len(Drafts(store).list(WES)) == 1
    clock.on(days=100)
    young = add(store, uploads, 2, 10)
    keeping.do()
    clock.on(days=80)
    keeping.do()
    assert [one.id for one in Drafts(store).list(WES)] == [young.id]
    assert Briefings(store).drafts.list(WES) == ()
    is_true(store, uploads)
    said = [(line.action, line.by) for line in store.audit(SYSTEM)]
    assert ("draft-expired", "system") in said and ("briefing-draft-expired", "system") in said
    assert old.id != young.id
    clock.on(days=365)
    Housekeeping(Published(tiny_region, store, tmp_path), sign_in_days=365, draft_days=0).do()
    assert len(Drafts(store).list(WES)) == 1  # kept as long as the settings want
    assert "forgot" in [line.action for line in store.audit(SYSTEM)]
    with store.reading() as connection:
        import sqlalchemy as sa

        from layers.store import tables

        assert connection.execute(sa.select(tables.sessions)).all() == []


def test_files_of_another_store_in_the_same_home_are_left_alone(store, uploads, tmp_path, tiny_region):
    other = open_store(
        f"sqlite:///{tmp_path / 'other.sqlite'}", tiny_region, fill=False, clock=lambda: NOON - timedelta(1)
    )
    theirs = Uploads(tmp_path, store_id=other.id)
    add(other, theirs, 1, 10)
    before = tmp_path / "uploads" / "drafts"  # as all stores kept them once
    before.mkdir()
    (before / f"{'a' * 16}-{sha(3)[:32]}").write_bytes(b"x")
    add(store, uploads, 2, 10)
    Drafts(store).settle(uploads.tidy)
    assert len(list(theirs.kept.iterdir())) == 1 and len(list(before.iterdir())) == 1
    other.close()


def test_a_process_begins_to_keep_house_once_and_not_before_it_serves(tiny_pack, tmp_path, monkeypatch):
    from dashboard import housekeeping
    from dashboard.app import create_server

    before = set(threading.enumerate())  # other tests of this process have theirs
    started = []
    monkeypatch.setattr(housekeeping.Housekeeping, "_go_on", lambda self: started.append(threading.current_thread()))
    environ = {"COMMONGROUND_REGION": str(tiny_pack), "COMMONGROUND_HOME": str(tmp_path / "home")}
    server = create_server(environ)
    assert not [one for one in threading.enumerate() if one.name == "housekeeping" and one not in before]
    assert started == []
    for _ in range(3):
        server.test_client().get("/healthz")
    for thread in started:
        thread.join(10)
    assert len(started) == 1
