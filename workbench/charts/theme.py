"""The theme is how every chart looks: the page's own colours and fonts, times in UTC, nothing that needs a network."""

from __future__ import annotations

from typing import Any, cast

from workbench.startup import skip_unused_grammar

__all__ = ["CATEGORICAL", "MIME", "NAME", "PHASES", "colour", "enable", "plain_spec", "theme"]

MIME = "application/vnd.vegalite.v6+json"
"""The type our charts travel as: a notebook stores it as JSON, and our extension and our page draw it."""

NAME = "workbench"
"""The theme's and the renderer's name at Altair."""

_LIGHT = {
    "ink": "#16202c", "ink-2": "#435061", "ink-3": "#5c697a", "surface": "#ffffff", "hairline": "#d6dde5",
    "edge": "#7d8b9c", "act": "#0b57a4", "statistic": "#0a4b8f", "incident": "#b23c0a", "incident-tint": "#fcebe0",
    "holds": "#0a6b59", "fails": "#ad1140", "unproven": "#855400", "band": "#e3e8ee", "context": "#b9c3ce",
    "phase-1": "#74260a", "phase-2": "#b4470f", "phase-3": "#d9772b", "phase-4": "#f1c69f",
    "cat-1": "#1e396f", "cat-2": "#c38018", "cat-3": "#53a091", "cat-4": "#9c44ad", "cat-5": "#6b3200",
    "cat-6": "#5f6468",
}  # fmt: skip
_SANS = "Inter, system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


def colour(token: str) -> str:
    """Return a token of the style sheet as a colour; where no style sheet is, its light value stands in."""
    return f"var(--wb-{token},{_LIGHT[token]})"


CATEGORICAL = tuple(colour(f"cat-{number}") for number in range(1, 7))
"""Six colours that people with any colour vision can tell apart; a seventh series gets its own panel instead."""

PHASES = {
    "unnoticed": colour("phase-1"),
    "seen": colour("phase-2"),
    "being mitigated": colour("phase-3"),
    "watching": colour("phase-4"),
}
"""The phases of an incident, the worst the darkest."""


def theme() -> dict[str, Any]:
    """Return Vega-Lite's configuration of the theme."""
    ink, ink2, ink3 = colour("ink"), colour("ink-2"), colour("ink-3")
    text = {"labelColor": ink2, "labelFontSize": 12, "titleColor": ink2, "titleFontSize": 12, "titleFontWeight": 400}
    return {
        "config": {
            "background": "transparent",
            "font": _SANS,
            "aria": False,
            "view": {"stroke": None, "continuousWidth": 640, "continuousHeight": 240},
            "title": {
                "font": _SANS,
                "fontSize": 12,
                "fontWeight": 600,
                "color": ink,
                "anchor": "start",
                "frame": "group",
                "offset": 8,
            },
            "axis": {
                **text,
                "domainColor": colour("edge"),
                "tickColor": colour("edge"),
                "gridColor": colour("hairline"),
                "tickSize": 4,
                "labelPadding": 4,
                "labelOverlap": True,
            },
            "axisX": {"grid": False},
            "axisY": {"domain": False, "ticks": False},
            "axisTemporal": {"format": "%H:%M"},
            "legend": {**text, "orient": "bottom", "symbolType": "square"},
            "header": {**text},
            "range": {"category": list(CATEGORICAL)},
            "mark": {"color": colour("cat-1")},
            "line": {"strokeWidth": 2.2, "strokeJoin": "round", "strokeCap": "round"},
            "point": {"filled": True, "size": 28},
            "rule": {"color": ink3},
            "text": {"font": _SANS, "fontSize": 12, "color": ink2},
        }
    }


def plain_spec(chart: Any) -> dict[str, Any]:
    """Return a chart's Vega-Lite specification with the theme in it.

    ``usermeta`` is left out: it could change how the chart is drawn.
    """
    skip_unused_grammar()
    import altair as alt  # noqa: PLC0415 - Altair takes most of a second to import

    _register()
    with alt.theme.enable(NAME):
        spec: dict[str, Any] = chart.to_dict(
            validate=False
        )  # the tests validate every chart; doing it again doubles the time
    spec.pop("usermeta", None)
    return spec


def enable() -> None:
    """Give every Altair chart of this process the theme, and hand it to notebooks as ours.

    JupyterLab, Voila, a stored notebook and the published page draw `MIME` with the same script and no network.
    """
    skip_unused_grammar()
    import altair as alt  # noqa: PLC0415

    _register()
    alt.theme.enable(NAME)
    alt.renderers.enable(NAME)
    alt.data_transformers.disable_max_rows()


def _register() -> None:
    import altair as alt  # noqa: PLC0415

    if NAME in alt.theme.names():
        return
    alt.theme.register(NAME, enable=False)(lambda: cast("alt.theme.ThemeConfig", theme()))
    alt.renderers.register(NAME, _render)


def _render(spec: dict[str, Any], **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    kept = {key: value for key, value in spec.items() if key != "usermeta"}
    return {MIME: kept, "text/plain": str(spec.get("description") or "A chart")}, {}
