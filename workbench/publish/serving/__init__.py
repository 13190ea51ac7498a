"""Serving is showing published reviews to people who can change nothing, and forms to the one who may."""

from workbench.publish.serving.servers import facilitate, serve

__all__ = ["facilitate", "serve"]
