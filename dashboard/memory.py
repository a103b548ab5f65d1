"""What was worked out is kept for the next who asks: so many things or bytes of it, the least used forgotten first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from cachetools import LRUCache

_NOTHING = object()


class Memory:
    """A bounded cache that threads may share. Its keys hold everything that the things depend on, so nothing goes out of date;
    whether the caller may have a thing must be settled before it is looked up.

    ``most``: how many things, or how many bytes of them where ``size`` says what one takes.
    """

    def __init__(self, most: int, size: Callable[[Any], int] | None = None):
        # one thing that is larger than all the room is kept nevertheless, alone
        self._things = LRUCache(most, size and (lambda thing: min(size(thing), most)))
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()

    def find(self, key: Hashable, otherwise: Any = None) -> Any:
        with self._lock:
            return self._things.get(key, otherwise)

    def __len__(self) -> int:
        return len(self._things)

    def keep(self, key: Hashable, thing: Any) -> Any:
        with self._lock:
            self._things[key] = thing
        return thing

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept, or made by the first who asks: the others wait for it. When making it fails, the next one tries."""
        found = self.find(key, _NOTHING)
        if found is not _NOTHING:
            return found
        with self._lock:
            turn = self._turns.setdefault(key, threading.RLock())
        with turn:
            found = self.find(key, _NOTHING)
            return self.keep(key, make()) if found is _NOTHING else found


def remembered(most: int) -> Callable[[Callable], Callable]:
    """Decorator: the last answers of a function are kept by its arguments, and each is worked out once (:meth:`Memory.get`)."""

    def decorate(function: Callable) -> Callable:
        memory = Memory(most)

        @wraps(function)
        def answer(*key: Hashable) -> Any:
            return memory.get(key, lambda: function(*key))

        return answer

    return decorate


_of: WeakKeyDictionary[Any, dict[str, Memory]] = WeakKeyDictionary()
_lock = threading.Lock()


def memory_of(owner: Any, name: str, most: int, size: Callable[[Any], int] | None = None) -> Memory:
    """The :class:`Memory` of that name that belongs to a region or a server, and is gone with it."""
    with _lock:
        memories = _of.setdefault(owner, {})
        if name not in memories:
            memories[name] = Memory(most, size)
        return memories[name]
