"""Files that are not small are read by workers: the page meanwhile, what comes of it, and that nobody else sees or does it."""

from __future__ import annotations

import io
import re

import pytest

from dashboard import jobs as work
from dashboard.jobs import Worker, queue_of
from dashboard.publishing import reading, reading_work
from dashboard.publishing.uploads import SET_ASIDE
from dashboard.publishing.wizard import EXTENSION
from layers import NotFound, Viewer
from tests.dashboard.publishing.test_wizard import DESCRIBED, begin, filled, send, site, step, streets  # noqa: F401

ANN = Viewer("ann", "westshire", "analyst")


@pytest.fixture
def slow(site, monkeypatch):  # noqa: F811
    """The site, where processes of their own do all jobs, nothing is cheap and nobody waits: ``slow.work()`` does the next one."""
    published = site.app.extensions[EXTENSION].published
    published.jobs.have_workers(2)
    for name in ("PATIENCE_S", "PATIENCE_HERE_S"):
        monkeypatch.setattr(reading, name, 0.0)
    monkeypatch.setattr(work, "CHEAP_S", 0.0)
    worker = Worker(published, "w")

    def once():
        job = worker._table.claim("w", worker._queues)
        assert job is not None
        worker._do(job)
        return worker._table.find(job.id)

    site.work, site.worker, site.published = once, worker, published
    return site


def test_a_small_file_of_text_is_answered_at_once(site, monkeypatch):  # noqa: F811
    monkeypatch.setattr(reading, "read_by_a_worker", lambda *_, **__: 1 / 0)
    assert begin(site.client("ann"), streets()).startswith("/publish/")


def test_a_small_workbook_is_answered_at_once_too(site):  # noqa: F811
    book = io.BytesIO()
    streets().to_excel(book, index=False)
    answer = send(site.client("ann"), book.getvalue(), "streets.xlsx")
    assert re.fullmatch(r"/publish/[^/]+/columns", answer.headers["Location"])


def test_a_page_says_that_it_is_read_and_asks_again(slow):
    ann = slow.client("ann")
    answer = send(ann, streets())
    where = answer.headers["Location"]
    assert answer.status_code == 303 and where.startswith("/publish/reading/")
    page = ann.get(where)
    assert (page.status_code, int(page.headers["Refresh"]), page.headers["Cache-Control"]) == (
        202,
        1,
        "private, no-store",
    )
    assert "Reading “streets.csv” takes a while. It waits in the queue, in place 1." in page.text
    assert len(slow.files()) == 1 and "draft-begun" not in slow.actions()
    assert slow.work().state == "done"
    then = ann.get(where)
    draft = then.headers["Location"].rsplit("/", 1)[0]
    assert then.status_code == 303 and then.headers["Location"].endswith("/columns")
    assert ann.get(where).headers["Location"] == "/publish"  # a page that was left open
    # a page of the wizard waits in the same way, a form leads to such a page
    assert "Reading “streets.csv”" in ann.get(f"{draft}/columns").text
    slow.work()
    assert ann.get(f"{draft}/columns").status_code == 200
    step(ann, draft, "columns")
    answer = step(ann, draft, "describe", **DESCRIBED)
    assert answer.headers["Location"].endswith("/check")
    answer = ann.post(f"{draft}/check", data={"revision": "9"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{draft}/check")
    assert ann.get(f"{draft}/check").status_code == 202
    slow.work()
    for name in ("check", "preview", "publish"):
        answer = step(ann, draft, name)
        assert answer.status_code == 303, name
    assert answer.headers["Location"] == "/catalogue/noisy-streets-westshire?published=1"
    assert slow.files() == []


def test_a_program_is_led_there_too(slow):
    answer = send(slow.client("ann"), streets(), accept="application/json")
    assert answer.status_code == 200 and answer.json["location"].startswith("/publish/reading/")


def test_what_cannot_be_read_is_refused_when_it_was_tried(slow):
    ann = slow.client("ann")
    where = send(ann, b"\x89PNG\r\n\x1a\n no table", "picture.csv").headers["Location"]
    slow.work()
    answer = ann.get(where)
    assert answer.status_code == 422 and "The file was not taken." in answer.text
    assert slow.files() == [] and slow.actions()[0] == "upload-refused"
    assert ann.get(where).headers["Location"] == "/publish"


def test_a_reader_that_does_not_end_is_refused_in_words(slow, monkeypatch):
    ann = slow.client("ann")
    where = send(ann, streets()).headers["Location"]
    job = slow.worker._table.claim("w", slow.worker._queues)
    slow.worker._table.end(job.id, "w", "failed", reasons=[work.LATE])
    answer = ann.get(where)
    assert answer.status_code == 422 and work.LATE in answer.text.replace("&#39;", "'")


def test_another_file_for_a_draft(slow):
    ann = slow.client("ann")
    where = send(ann, streets()).headers["Location"]
    slow.work()
    draft = ann.get(where).headers["Location"].rsplit("/", 1)[0]
    where = send(ann, streets(), "better.csv", to=f"{draft}/upload").headers["Location"]
    slow.work()
    assert ann.get(where).headers["Location"].startswith(draft)
    assert [path.name.partition("-")[0] for path in slow.files()] == [draft.rsplit("/", 1)[1]]
    assert "Reading “better.csv”" in ann.get(f"{draft}/columns").text


def test_nobody_else_sees_or_finishes_it(slow):
    where = send(slow.client("ann"), streets()).headers["Location"]
    slow.work()
    for name in ("bob", "eve", "root"):
        answers = [slow.client(name).get(path) for path in (where, "/publish/reading/" + "0" * 32)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert re.findall("<h1.*", answers[0].text) == re.findall("<h1.*", answers[1].text)
    assert slow.client("vic").get(where).status_code == 403
    assert slow.client().get(where).status_code == 303  # to sign in
    assert len(slow.files()) == 1


def test_few_files_of_one_person_wait(slow):
    ann, bob = slow.client("ann"), slow.client("bob")
    send(bob, streets())
    pages = [send(ann, streets()).headers["Location"] for _ in range(SET_ASIDE + 2)]
    assert len(slow.files()) == SET_ASIDE + 1
    assert [ann.get(page).status_code for page in pages] == [303] * 2 + [202] * SET_ASIDE


def test_only_workers_of_the_same_home_read(slow, tmp_path):
    send(slow.client("ann"), streets())
    table = slow.published.jobs.table
    assert table.claim("w", [queue_of("read", tmp_path / "other"), "draws", "plan", "file"]) is None
    assert table.claim("w", [queue_of("read", slow.home)]).kind == queue_of("read", slow.home)
    assert len(queue_of("read", slow.home)) <= 20


def test_a_worker_reads_what_its_person_may_have_today_and_what_was_asked(slow):
    ann = slow.client("ann")
    where = send(ann, streets()).headers["Location"]
    slow.work()
    draft = ann.get(where).headers["Location"].rsplit("/", 2)[1]
    asked = {"draft": draft, "header": "", "answers": {}, "state": "another"}

    def read(viewer, parameters):
        return reading_work.work(slow.published, viewer, parameters, lambda *_: None, lambda: False)

    with pytest.raises(NotFound):
        read(Viewer("eve", "eastshire", "analyst"), asked)
    with pytest.raises(work.Refused, match="changed meanwhile"):
        read(ANN, asked)
    for name in ("../drafts/x", "a" * 45, None):
        with pytest.raises(work.Refused, match="not taken"):
            read(ANN, {"upload": name, "hints": {}})


def test_what_a_file_costs(tmp_path):
    text, book = tmp_path / "a.csv", tmp_path / "b.xlsx"
    text.write_bytes(b"a,b\n" * 10_000)
    book.write_bytes(b"PK\x03\x04" + bytes(170_000))
    assert reading.price_of(text) < work.CHEAP_S < reading.price_of(book) < reading.MOST_S
    text.write_bytes(bytes(50 << 20))
    assert reading.price_of(text) == reading.MOST_S
    assert reading.price_of(tmp_path / "none") == 0.0
