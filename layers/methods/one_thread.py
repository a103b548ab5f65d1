"""Many small matrices on one thread: shared out among several, each waits for a busy processor hundreds of times, and spins
meanwhile. Small matrices take 50 s of processor time then instead of 2."""

from __future__ import annotations

import functools
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_depth = 0
_limits = None


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread():
    """Within it numpy's linear algebra uses one thread, in the whole process; the last one to leave puts back what was."""
    global _depth, _limits
    with _lock:
        if _depth == 0:
            _limits = _controller().limit(limits=1, user_api="blas")
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _limits.restore_original_limits()
