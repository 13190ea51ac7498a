"""Servers that take a while to start, and that many tests of telemetry may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres(missing: Callable[[str], NoReturn]) -> Iterator[Postgres]:
    """Return a PostgreSQL that runs as long as the tests; whoever uses it clears what it makes."""
    with postgres_server(missing) as running:
        yield running
