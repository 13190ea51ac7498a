"""A widget is a form or chart that a person works with, in JupyterLab or a browser; the record is always the store."""

from widgets.action import ActionForm
from widgets.brush import BrushChart
from widgets.candidates import CandidateList
from widgets.capture import Capture, capture
from widgets.milestones import MilestonesForm
from widgets.timeline import TimelineForm

__all__ = ["ActionForm", "BrushChart", "CandidateList", "Capture", "MilestonesForm", "TimelineForm", "capture"]
