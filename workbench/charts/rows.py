"""Rows are a chart's data, kept beside it by name: Altair copies and checks whatever is inside one, many times over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Rows"]


class Rows(dict[str, list[dict[str, object]]]):
    """The data of one figure's layers by name; equal rows are kept once."""

    def chart(self, rows: Sequence[Mapping[str, object]]) -> Any:
        """Return a chart, still without a mark, that draws these rows."""
        import altair as alt  # noqa: PLC0415 - Altair takes most of a second to import

        listed = [dict(row) for row in rows]
        digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:12]
        self[f"rows-{digest}"] = listed
        return alt.Chart(alt.NamedData(name=f"rows-{digest}"))
