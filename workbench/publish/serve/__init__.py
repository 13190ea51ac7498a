"""Serving is showing published reviews to people who can change nothing, and forms to the one who may."""

from workbench.publish.serve.jupyter import lab
from workbench.publish.serve.servers import facilitate, serve

__all__ = ["facilitate", "lab", "serve"]
