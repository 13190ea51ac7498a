"""Choices are the closed lists a field is picked from, each with the sentence that helps to pick."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

__all__ = ["ActionKind", "ActionState", "Choice", "Severity", "TimelineKind"]


class Choice(StrEnum):
    """One word of a closed list; it compares and is stored as its text, and ``help`` says when to pick it."""

    help: str

    def __new__(cls, value: str, help_text: str = "") -> Self:
        """Make the word and keep its help beside it."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.help = help_text
        return made


class Severity(Choice):
    """How bad an incident is, the worst first."""

    SEV1 = "SEV1", "A core service is down for most, or data was lost or exposed"
    SEV2 = "SEV2", "Many are hurt, or a core service works badly"
    SEV3 = "SEV3", "Some are hurt, or there is a way around"
    SEV4 = "SEV4", "Few notice"
    SEV5 = "SEV5", "Nobody outside noticed; worth learning from"


class TimelineKind(Choice):
    """What sort of thing a timeline entry tells."""

    DETECTION = "detection", "Somebody or something noticed"
    ESCALATION = "escalation", "Somebody else was brought in"
    DIAGNOSIS = "diagnosis", "A step towards understanding, right or wrong"
    MITIGATION = "mitigation", "Something was done to end or soften the impact"
    COMMUNICATION = "communication", "Colleagues or customers were told"
    OBSERVATION = "observation", "What the telemetry shows, seen then or found later"
    CHANGE = "change", "A deploy, a flag, a setting, a migration"


class ActionKind(Choice):
    """What an action is to do for the next time; preventing comes first."""

    PREVENT = "prevent", "It can't happen again, or seldom"
    DETECT = "detect", "It is noticed sooner"
    MITIGATE = "mitigate", "It hurts less, or ends sooner"
    PROCESS = "process", "People work together better when it happens"


class ActionState(Choice):
    """How far an action has come; only a measurement makes one verified or failed."""

    OPEN = "open", "Owned and dated, not begun"
    IN_PROGRESS = "in progress", "Somebody works on it"
    DONE = "done", "In place; whether it works has not been measured yet"
    VERIFIED = "verified", "Its success metric was measured and holds"
    FAILED = "failed", "Its success metric was measured and does not hold"
    DROPPED = "dropped", "Will not be done, for the reason given"
