"""Fixtures of the tests in this folder. A module that defines one of the same name has its own."""

from tests.layers.store_fixtures import (  # noqa: F401
    clock,
    filled_file,
    prepared_once,
    quick,
    region,
    reopen,
    store,
    url,
)
