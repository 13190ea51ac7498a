"""The exporter is nbconvert's way to our page: ``jupyter nbconvert --to incident-review``, and our server too."""

from __future__ import annotations

from typing import Any

from nbconvert.exporters import TemplateExporter
from traitlets import Bool, Unicode, default

from workbench.publish.bands import bands, first_heading
from workbench.resources import REPORTS

__all__ = ["PageExporter"]


class PageExporter(TemplateExporter):
    """Writes a run of a notebook as our page; by itself as one file that holds everything it needs."""

    export_from_notebook = "Incident review"
    output_mimetype = "text/html"

    title = Unicode(help="What the window and the tab are called.").tag(config=True)
    embed = Bool(default_value=True, help="Put style, fonts and scripts into the page itself.").tag(config=True)
    base = Unicode("/", help="The address of the site, where the page isn't one file.").tag(config=True)

    @default("template_name")
    def _our_template(self) -> str:
        return "workbench"

    @default("file_extension")
    def _html(self) -> str:
        return ".html"

    @default("extra_template_basedirs")
    def _shipped(self) -> list[str]:
        return [str(REPORTS / "nbconvert" / "templates")]

    @classmethod
    def write(cls, notebook: Any, page: dict[str, Any]) -> str:
        """Return the page of a notebook; ``page`` is what `workbench.publish.page.surroundings` returned."""
        exporter: Any = cls  # nbconvert has types for some of its functions only
        text, _ = exporter().from_notebook_node(notebook, {"page": page})
        return str(text)

    def default_filters(self) -> Any:
        """Yield nbconvert's filters and ours, which clean every cell and put them in columns."""
        inherited: Any = super().default_filters
        yield from inherited()
        yield ("bands", bands)
        yield ("first_heading", first_heading)

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> Any:
        """Return the page of a notebook and its resources."""
        from workbench.publish.page import surroundings  # noqa: PLC0415 - it uses this module

        known = dict(resources or {})
        if "page" not in known:
            known["page"] = surroundings(title=self.title, mode="file" if self.embed else "served", base=self.base)
        return super().from_notebook_node(nb, known, **kwargs)
