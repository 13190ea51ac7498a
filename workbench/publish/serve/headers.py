"""Headers say to the browser what a page may load and who may frame it; every answer carries them."""

from __future__ import annotations

__all__ = ["COMMON", "LIVE", "SETTLED", "WITH_OWN_WIDGETS", "live_policy"]

_BASE = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def _policy(**changed: str) -> str:
    parts = _BASE | {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in parts.items())


SETTLED = _policy()
"""The policy of stored pages, files and errors: nothing inline, nothing from elsewhere."""

LIVE = _policy(script_src="'self' 'nonce-{nonce}'", style_src="'self' 'unsafe-inline'")
"""The policy of live pages. Lumino and ipywidgets place everything with inline styles, so those can't be forbidden."""

WITH_OWN_WIDGETS = _policy(script_src="'self' 'nonce-{nonce}' blob:", style_src="'self' 'unsafe-inline'")
"""The policy of live pages with anywidgets, whose code reaches the page as a blob made by a script of the page."""

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""What every answer says besides its policy."""


def live_policy(policy: str, nonce: str) -> str:
    """Return a live page's policy with the one nonce that its scripts carry."""
    return policy.format(nonce=nonce)
