"""The application is Voila's server with a table of routes of its own: what isn't in that table isn't served."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path
from tornado.httpserver import HTTPServer
from traitlets import Any as AnyTrait
from traitlets.config import Config
from voila.app import Voila
from voila.configuration import VoilaConfiguration
from voila.paths import collect_static_paths, collect_template_paths

from workbench.publish.serve.assets import Assets, Icon
from workbench.publish.serve.channels import Channels, Connection, EndKernel, KernelState
from workbench.publish.serve.environment import kernel_environment
from workbench.publish.serve.gate import Gate, Missing
from workbench.publish.serve.identity import Visitors
from workbench.publish.serve.kernels import Kernels, OwnSpec, kernel_settings
from workbench.publish.serve.leases import Leases
from workbench.publish.serve.live import LIVE_PAGES, LivePage, Shipped, with_parameters
from workbench.publish.serve.login import Login
from workbench.publish.serve.plan import Plan
from workbench.publish.serve.routes import Desk, Health, Slash
from workbench.publish.serve.stored import NAME, Home, Review, Shelf
from workbench.resources import NOTEBOOKS, REPORTS, STATIC

__all__ = ["Server"]

_LOG = logging.getLogger(__name__)
_TEMPLATE = "workbench"
_APPS = ["voila", "nbconvert"]
_KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
_EXTENSIONS = (
    "incident-review-workbench",
    "anywidget",
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
)
"""The extensions that a live page loads. Whatever else somebody installed for JupyterLab has no business in it."""
_KILOBYTE = 1 << 10
_MEGABYTE = 1 << 20
_END_SECONDS = 5.0
_FAILED = "Reload the page; if that doesn't help, the server's log says more."


class Server(Voila):  # type: ignore[misc]  # voila has no types
    """Voila, told by a `Plan`. It reads no configuration file and no command line of Voila's."""

    plan: Plan = AnyTrait()  # type: ignore[assignment]  # given when the server is made

    async def run(self) -> None:
        """Serve until a signal or `asyncio` ends it; then end every kernel."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, stopped.set)
        self.initialize()
        try:
            self.start()
            self.plan.ready(self.plan.address)
            warming = loop.create_task(self.app.settings["shelf"].warm())
            await stopped.wait()
            warming.cancel()
        finally:
            self.http.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.kernel_manager.end_all(), _END_SECONDS)
            shutil.rmtree(self.connection_dir, ignore_errors=True)

    # What Voila's own `start` calls, in this order

    def initialize(self, argv: object = None) -> None:  # noqa: ARG002 - voila's signature
        """Set up from the plan alone."""
        self.config = Config(kernel_settings())
        self.config.VoilaExecutor.cell_error_instruction = _FAILED
        self.config.VoilaExecutor.cell_timeout_instruction = _FAILED
        self.log_level = logging.WARNING
        self.port = self.plan.port
        self.root_dir = str(NOTEBOOKS)
        self.open_browser = False
        settings = VoilaConfiguration(parent=self)
        settings.template = (
            _TEMPLATE if (REPORTS / "voila" / "templates" / _TEMPLATE / "index.html.j2").is_file() else "lab"
        )
        settings.strip_sources = True
        settings.show_tracebacks = False
        settings.allow_template_override = "NO"
        settings.allow_theme_override = "NO"
        settings.file_allowlist = []
        settings.extension_allowlist = list(_EXTENSIONS)
        settings.extra_labextensions_path = [str(REPORTS / "labextensions")]
        settings.kernel_spec_manager_class = OwnSpec
        settings.multi_kernel_manager_class = Kernels
        settings.prelaunch_hook = with_parameters
        self.voila_configuration = settings
        self.kernel_websocket_connection_class = Connection
        self.setup_template_dirs()

    def setup_template_dirs(self) -> None:
        """Find our template before any other of its name."""
        name = self.voila_configuration.template
        roots = [str(REPORTS), *jupyter_path()]
        self.template_paths = collect_template_paths(_APPS, name, prune=True, root_dirs=roots)
        self.static_paths = collect_static_paths(_APPS, name, root_dirs=roots)

    def init_settings(self) -> dict[str, Any]:
        """Replace what of Voila's settings reads the disk or trusts strangers."""
        settings: dict[str, Any] = super().init_settings()
        plan = self.plan
        self.kernel_manager.leases = Leases(plan.limits)
        self.kernel_manager.environment = lambda scratch: kernel_environment(
            os.environ,
            workspace=plan.workspace,
            scratch=scratch,
            author=plan.author,
            read_only=plan.read_only,
            memory=plan.memory,
        )
        files = frozenset(LIVE_PAGES[name].file for name in plan.pages)
        return settings | {
            "visitors": Visitors(plan.port, plan.token),
            "shelf": Shelf(plan.workspace / "published", plan.render),
            "contents_manager": Shipped(NOTEBOOKS, files),
            "default_handler_class": Missing,
            "log_function": _log,
            "websocket_max_message_size": _MEGABYTE if plan.read_only else 8 * _MEGABYTE,
            "allow_origin": "",
            "allow_remote_access": False,
        }

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Return every route there is. Voila's own table is not asked; each handler here is a `Gate`."""
        live = {name: LIVE_PAGES[name] for name in self.plan.pages}
        for_voila = {
            "live": live,
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (r"/", Home if self.plan.read_only else Desk),
            (r"/healthz", Health),
            (r"/login", Login),
            (r"/favicon\.ico", Icon),
            (rf"/reviews/(?P<incident>{NAME})", Slash),
            (rf"/reviews/(?P<incident>{NAME})/", Review),
            (rf"/reviews/(?P<incident>{NAME})/(?P<version>{NAME})/", Review),
            (r"/live/(?P<name>[a-z]+)/", LivePage, for_voila),
            (rf"/api/kernels/{_KERNEL}", KernelState),
            (rf"/api/kernels/{_KERNEL}/channels", Channels),
            (rf"/voila/api/shutdown/{_KERNEL}", EndKernel),
            (r"/static/(?P<path>.*)", Assets, {"folders": [STATIC]}),
            *self._front_end(),
        ]

    def _front_end(self) -> list[tuple[Any, ...]]:
        """Return the routes of the files that live pages load: Voila's front end, its templates', its extensions'."""
        extensions = [Path(one) for one in self.labextensions_path]
        themes = [found for folder in extensions if folder.is_dir() for found in sorted(folder.glob("**/themes"))]
        roots = [str(REPORTS), *jupyter_path()]
        templates = {Path(path).name for path in self.template_paths if Path(path).parent.name == "templates"}
        return [
            (r"/voila/static/(?P<path>.*)", Assets, {"folders": _folders(self.static_paths)}),
            *(
                (rf"/voila/templates/{name}/static/(?P<path>.*)", Assets, {"folders": _folders(found)})
                for name in sorted(templates)
                if (found := collect_static_paths(_APPS, name, root_dirs=roots))
            ),
            (r"/voila/labextensions/(?P<path>.*)", Assets, {"folders": extensions, "first": frozenset(_EXTENSIONS)}),
            (r"/voila/api/themes/(?P<path>.*)", Assets, {"folders": [*themes, Path(self.themes_dir)]}),
        ]

    def listen(self) -> None:
        """Answer on the sockets that were bound before anything slow was begun."""
        self.http = HTTPServer(
            self.app,
            max_header_size=16 * _KILOBYTE,
            max_body_size=64 * _KILOBYTE,
            idle_connection_timeout=75,
            body_timeout=10,
        )
        self.http.add_sockets(self.plan.sockets)


def _folders(paths: list[str]) -> list[Path]:
    return [Path(path) for path in paths]


def _log(handler: Gate) -> None:
    """Log an answer without its query, where secrets could stand."""
    status = handler.get_status()
    level = logging.DEBUG if status < 400 else logging.INFO if status < 500 else logging.ERROR  # noqa: PLR2004 - HTTP's own
    _LOG.log(level, "%d %s %s", status, handler.request.method, handler.request.path)
