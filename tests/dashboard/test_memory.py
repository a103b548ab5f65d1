"""What is kept: the least used goes first, and many who ask at once make one."""

from __future__ import annotations

import threading

import pytest

from dashboard.memory import Memory, memory_of, remembered


def test_the_least_used_goes_first():
    memory, made = Memory(2), []
    for name in ("a", "b", "a", "c", "a", "b"):  # c pushes out b, because a was used since
        memory.get(name, lambda name=name: made.append(name) or name)
    assert made == ["a", "b", "c", "b"]
    assert (memory.find("a"), memory.find("c"), memory.find("c", "gone")) == ("a", None, "gone")


def test_bytes_are_counted_and_one_that_is_too_large_is_kept_alone():
    memory = Memory(10, len)
    memory.keep("a", b"12345")
    memory.keep("b", b"12345")
    assert memory.find("a") and memory.find("b")
    memory.keep("c", b"1")  # eleven bytes: a was used before b
    assert memory.find("a") is None and memory.find("b")
    memory.keep("large", bytes(99))
    assert len(memory.find("large")) == 99 and memory.find("b") is None


def test_nothing_is_an_answer_too():
    memory, made = Memory(2), []
    assert [memory.get("a", lambda: made.append(1)) for _ in range(2)] == [None, None] and made == [1]


def test_many_who_ask_at_once_make_one():
    started, go_on, made, found = threading.Event(), threading.Event(), [], []

    @remembered(4)
    def slow(name):
        made.append(name)
        started.set()
        assert go_on.wait(10)
        return name.upper()

    threads = [threading.Thread(target=lambda: found.append(slow("a"))) for _ in range(5)]
    threads[0].start()
    assert started.wait(10)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (made, found) == (["a"], ["A"] * 5)


def test_what_fails_is_not_kept():
    memory = Memory(2)
    with pytest.raises(ZeroDivisionError):
        memory.get("a", lambda: 1 / 0)
    assert memory.get("a", lambda: 2) == 2


def test_a_memory_belongs_to_its_owner():
    class Server:
        pass

    one, other = Server(), Server()
    assert memory_of(one, "answers", 2) is memory_of(one, "answers", 2)
    assert memory_of(one, "answers", 2) is not memory_of(other, "answers", 2)
    assert memory_of(one, "answers", 2) is not memory_of(one, "parts", 2)
