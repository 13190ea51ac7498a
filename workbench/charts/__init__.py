"""A chart is one picture of one question about an incident, made from frames, with its finding as its title."""

from workbench.charts.figure import Figure
from workbench.charts.glance import glance
from workbench.charts.messages import messages
from workbench.charts.suspects import suspects
from workbench.charts.theme import enable

__all__ = ["Figure", "enable", "glance", "messages", "suspects"]
