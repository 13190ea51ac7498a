"""Build hook: makes the one JavaScript bundle that draws every chart (Vega, Vega-Lite, Vega-Embed) from vl-convert.

The bundle is wrapped in a function that runs once: two copies on a page would redeclare each other's constants.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = Path("reports/labextensions/incident-review-workbench/static/vega-bundle.js")
EXPORTS = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"


class VegaBundleHook(BuildHookInterface[Any]):
    """Writes the bundle before the wheel (or the editable install) collects its files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Make the bundle unless it is there and was made by the vl-convert that is installed."""
        import vl_convert  # noqa: PLC0415 - only a build needs it

        target = Path(self.root) / BUNDLE
        stamp = f"/* made by vl-convert {vl_convert.__version__} */\n"
        if target.is_file() and target.read_text(encoding="utf-8").startswith(stamp):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        bundle = vl_convert.javascript_bundle(EXPORTS, vl_version="6.4")
        target.write_text(f"{stamp}(function(){{if(window.vegaEmbed)return;{bundle}\n}})();\n", encoding="utf-8")
