"""PromQL is the language Prometheus is asked in; here a team's queries are filled in and narrowed, and nothing is sent.

Source of the grammar: Prometheus, Querying basics (2.42 to 3.x); of the regular expressions: RE2's syntax.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["NAME", "PLACES", "alternatives", "duration", "fill", "narrowed", "quantile", "selector_fault", "text_fault"]

PLACES = ("service", "interval", "window", "step")
"""What is filled in where a query says ``$service`` or ``${service}``, and so on."""

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""A label's name."""

_QUOTED = r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'|" + r"`[^`]*`"
_PARTS = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<comment>#[^\n]*)|(?P<bare>[^\"'`#]+)", re.DOTALL)
_PLACE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_SELECTOR = re.compile(
    rf"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{{(?P<inside>(?:{_QUOTED}|[^\"'`{{}}])*)\}})?\s*", re.DOTALL
)
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def fill(text: str, *, services: Sequence[str], interval: str, window: str, step: str) -> str:
    """Return a query with its places filled in.

    ``$service`` becomes a regular expression that matches exactly the services, escaped for the kind of quotes it
    stands in, or ``.+`` where none is named; the others become lengths of time such as ``240s``.

    Args:
        text: PromQL, faultless by `text_fault`.
        services: what ``$service`` matches.
        interval: for ``$interval``.
        window: for ``$window``.
        step: for ``$step``.
    """
    lengths = {"interval": interval, "window": window, "step": step}

    def put(part: re.Match[str]) -> str:
        quote = part[0][0]

        def one(place: re.Match[str]) -> str:
            name = place[1] or place[2]
            if name == "service":
                return alternatives(services, quote)
            return lengths.get(name, place[0])

        return part[0] if part["comment"] else _PLACE.sub(one, part[0])

    return _PARTS.sub(put, text)


def text_fault(text: str) -> str:
    """Return what is wrong with a query's quotes and places, in words, or nothing; the server judges all else."""
    if not text.strip():
        return "is empty"
    if "".join(part[0] for part in _PARTS.finditer(text)) != text:
        return "has a quote that is never closed"
    for part in _PARTS.finditer(text):
        for place in () if part["comment"] else _PLACE.finditer(part[0]):
            name = place[1] or place[2]
            if name == "service" and not part["quoted"]:
                return 'has $service outside quotes: write it like {service=~"$service"}'
            # label_replace may name a group of its own expression.
            if name not in PLACES and f"(?P<{name}>" not in text:
                return f"has {place[0]}, which nothing fills in (known: {', '.join('$' + known for known in PLACES)})"
    return ""


def selector_fault(text: str) -> str:
    """Return what is wrong with a selector of stored series (a name, matchers in braces, or both), or nothing."""
    found = _SELECTOR.fullmatch(text)
    if not found or not (found["name"] or (found["inside"] or "").strip()):
        return 'is not the name of a metric, nor a selector such as up{job="shop"}'
    return text_fault(text)


def alternatives(services: Sequence[str], quote: str) -> str:
    """Return a regular expression that matches exactly these texts, to stand in a PromQL string with such quotes."""
    if not services:
        return ".+"
    pattern = "|".join(_SPECIAL.sub(lambda sign: "\\" + sign[0], service) for service in services)
    if len(services) > 1:
        pattern = f"(?:{pattern})"
    if quote == "`":
        return pattern.replace("`", r"\x60")
    return pattern.replace("\\", "\\\\").replace("\n", "\\n").replace(quote, "\\" + quote)


def narrowed(selector: str, label: str, services: Sequence[str], *, suffix: str = "") -> str:
    """Return a selector that also asks for the services, unless none is named or it has its own place for them.

    Args:
        selector: faultless by `selector_fault`.
        label: which label holds the service.
        services: the services; none means all.
        suffix: put behind the metric's name, such as ``_bucket``.
    """
    found = _SELECTOR.fullmatch(selector)
    assert found is not None  # noqa: S101 - whoever made the source has looked at it
    matchers = [(found["inside"] or "").strip().rstrip(",")]
    if services and not re.search(r"\$(?:service\b|\{service\})", selector):
        matchers.append(f'{label}=~"{alternatives(services, chr(34))}"')
    inside = ",".join(one for one in matchers if one)
    return f"{found['name'] or ''}{suffix if found['name'] else ''}" + (f"{{{inside}}}" if inside else "")


def quantile(part: float, histogram: str, label: str, services: Sequence[str]) -> str:
    """Return the query for a quantile of each service's histogram over ``$interval``, classic or native.

    A server without native histograms finds nothing behind ``or``, one with only native histograms nothing before it.
    """
    classic = narrowed(histogram, label, services, suffix="_bucket")
    native = narrowed(histogram, label, services)
    return (
        f"histogram_quantile({part:g}, sum by (le, {label}) (rate({classic}[$interval])))"
        f" or histogram_quantile({part:g}, sum by ({label}) (rate({native}[$interval])))"
    )


def duration(milliseconds: int) -> str:
    """Return a length of time as PromQL has it: ``60s``, ``1500ms``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if rest else f"{seconds}s"
