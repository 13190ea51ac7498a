"""The states of an action and the steps between them; a step that is not here is refused with those that are."""

from __future__ import annotations

from workbench.record import refusals
from workbench.record.choices import ActionState

__all__ = ["MEASURED", "STEPS", "check_measured", "check_step"]

_S = ActionState

STEPS: dict[ActionState, tuple[ActionState, ...]] = {
    _S.OPEN: (_S.IN_PROGRESS, _S.DROPPED),
    _S.IN_PROGRESS: (_S.DONE, _S.DROPPED),
    _S.DONE: (_S.IN_PROGRESS,),
    _S.FAILED: (_S.IN_PROGRESS,),
    _S.VERIFIED: (),
    _S.DROPPED: (),
}
"""What people may do by hand."""

MEASURED = (_S.VERIFIED, _S.FAILED)
"""Where only a measurement leads, and only from done."""


def check_step(what: str, now: ActionState, wanted: ActionState, reason: str) -> None:
    """Refuse a step that isn't there, one that only a measurement makes, and dropping without a reason.

    Raises:
        RecordError: says which steps are allowed.
        InvalidError: the reason is missing.
    """
    if wanted in MEASURED:
        raise refusals.only_measured(what, wanted.value)
    if wanted not in STEPS[now]:
        raise refusals.illegal_step(what, now.value, wanted.value, [state.value for state in STEPS[now]])
    if wanted is _S.DROPPED and not reason.strip():
        raise refusals.needs_reason("action")


def check_measured(what: str, now: ActionState, measured: str) -> None:
    """Refuse a measurement of what isn't done, or one that says nothing.

    Raises:
        RecordError: says what has to come first.
        InvalidError: what was measured is missing.
    """
    if now is not _S.DONE:
        raise refusals.illegal_step(what, now.value, "verified or failed", [state.value for state in STEPS[now]])
    if not measured.strip():
        raise refusals.needs_reason("action")
