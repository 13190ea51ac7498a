"""A retry asks a failing backend again, further and further apart, as long as that may help and somebody waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenacity import AttemptManager, RetryCallState

__all__ = ["Again", "come_back", "later", "retrying"]

_ATTEMPTS = 5
_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.1, 30.0, 0.1


class Again(Exception):  # noqa: N818 - caught where it is asked again, and told as a SourceError
    """A failure that may pass; ``after`` is how many seconds from now the backend wants to be left alone."""

    def __init__(self, what: str, *, do: str, after: float | None = None) -> None:
        super().__init__(what)
        self.do = do
        self.after = after


def retrying(tried: list[Again], *, stop: threading.Event, ends: float) -> Iterable[AttemptManager]:
    """Return the attempts of one request; the last `Again` is raised when there are no more.

    Args:
        tried: gets every failure that may pass.
        stop: ends it, a wait too.
        ends: until when it may last, on the clock of `time.monotonic`; no wait goes beyond it.
    """
    import tenacity  # noqa: PLC0415 - only who asks a web needs it

    backoff = tenacity.wait_exponential(_FIRST_WAIT, _LONGEST_WAIT) + tenacity.wait_random(0, _JITTER)

    class Hopeless(tenacity.stop.stop_base):
        """Nobody waits, or the backend wants to be left alone for longer than anybody would."""

        def __call__(self, retry_state: RetryCallState) -> bool:
            left = ends - time.monotonic()
            return stop.is_set() or retry_state.upcoming_sleep > min(left, _LONGEST_WAIT + 2 * _JITTER)

    def failed(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, Again):
            return False
        tried.append(error)
        return True

    return tenacity.Retrying(
        retry=failed,
        wait=lambda state: backoff(state) if tried[-1].after is None else tried[-1].after,
        stop=tenacity.stop_after_attempt(_ATTEMPTS) | Hopeless(),
        sleep=tenacity.sleep_using_event(stop),
        reraise=True,
    )


def come_back(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a backend wants to be asked again; None where it doesn't say.

    ``Retry-After`` is a number or a date (RFC 9110, 10.2.3). GitHub's ``x-ratelimit-reset`` is a time in seconds since
    1970 and counts once ``x-ratelimit-remaining`` is 0 (REST API 2022-11-28, "Rate limits for the REST API").
    """
    told = headers.get("retry-after", "").strip()
    reset = headers.get("x-ratelimit-reset", "").strip()
    # Whoever was told the same second comes back at slightly different ones.
    extra = random.uniform(0, _JITTER)  # noqa: S311 - no secret is made of it
    if told.isdecimal():
        return min(float(told), 1e9) + extra
    if told:
        try:
            return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()) + extra
        except (ValueError, TypeError, OverflowError):
            return None
    if headers.get("x-ratelimit-remaining", "").strip() == "0" and reset.isdecimal():
        return min(max(0.0, float(reset) - time.time()), 1e9) + extra
    return None


def later(error: Again) -> str:
    """Return when to pull again, in words; empty where the backend asked for no longer wait than one would."""
    if error.after is None or error.after <= _LONGEST_WAIT:
        return ""
    moment = datetime.now(UTC) + timedelta(seconds=error.after + 60)
    return f"Pull again after {moment:%Y-%m-%d %H:%M} UTC, when it wants to be asked again"
