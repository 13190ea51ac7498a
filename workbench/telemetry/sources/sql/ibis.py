"""Ibis is the library that speaks the SQL of every database; it is loaded when a source of kind sql is first read."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from workbench.errors import SourceError

__all__ = ["INSTALL", "compiled", "compiler", "ibis", "type_of"]

_ENUM = re.compile(r"((Nullable|LowCardinality)\()*enum", re.IGNORECASE)
INSTALL = "pip install 'incident-review-workbench[sql]'"


def ibis(module: str = "ibis") -> Any:
    """Return Ibis, or one of the modules in it or under it.

    Raises:
        SourceError: it isn't installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise SourceError("sources of kind sql need Ibis, which is not installed", do=INSTALL) from None


def compiler(dialect: str) -> Any:
    """Return Ibis's compiler of a dialect, which needs no driver and no server.

    Raises:
        SourceError: Ibis isn't installed.
    """
    return ibis(f"ibis.backends.sql.compilers.{dialect}").compiler


def compiled(query: Any, dialect: str) -> str:
    """Return an Ibis expression as SQL of a dialect, on one line unless a text in it has several."""
    made = compiler(dialect)
    return str(made.to_sqlglot(query).sql(dialect=made.dialect))


def type_of(stored: str, dialect: str) -> Any:
    """Return Ibis's type for a type as a database calls it; the unknown type where Ibis has none.

    Enumerations are unknown too, so that they are compared as text: a word that one doesn't have would be an error.
    """
    types = ibis("ibis.expr.datatypes")
    # PostgreSQL's money can't become a number without its currency.
    if _ENUM.match(stored) or stored == "money":
        return types.unknown
    try:
        return compiler(dialect).type_mapper.from_string(stored)
    except Exception:  # noqa: BLE001 - whatever its parser makes of a type that it has never seen
        return types.unknown
