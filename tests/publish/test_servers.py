"""Servers start quickly or say in one line why not, and end with everything they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

import workbench
from workbench.errors import ServeError, WorkspaceError
from workbench.publish.serve import facilitate, serve

CODE = Path(workbench.__file__).resolve().parents[1]
NOTEBOOK = "/live/explore/?incident=slow-checkout"
TOKEN = "a-token-that-is-long-enough"  # noqa: S105 - no secret


@pytest.fixture
def taken() -> Iterator[int]:
    """A port where something else answers."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def refusal(call: Callable[[], None], kind: type[Exception] = ServeError) -> str:
    """Return the one line with which a server refuses to start."""
    with pytest.raises(kind) as refused:
        call()
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_a_port_in_use_is_named(desk: Any, taken: int) -> None:
    """The line says which port, and what to do."""
    line = refusal(lambda: serve(desk.root, port=taken))
    assert f"port {taken} is in use" in line
    assert f"--port {taken + 1}" in line


@pytest.mark.parametrize("ip", ["0.0.0.0", "192.168.1.1", "::", "example.org", ""])  # noqa: S104 - what is refused
def test_other_machines_are_kept_out(desk: Any, ip: str) -> None:
    """Who would open the server to a network is told how to reach it otherwise."""
    assert "ssh -L 8866" in refusal(lambda: serve(desk.root, port=8866, ip=ip))


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_impossible_port_is_refused(desk: Any, port: int) -> None:
    """A number that is no port is said to be none."""
    assert f"no port {port}" in refusal(lambda: serve(desk.root, port=port))


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    """A server doesn't make a workspace."""
    assert "workbench init" in refusal(lambda: serve(tmp_path), WorkspaceError)
    assert not list(tmp_path.iterdir())


def test_a_facilitator_has_a_name_and_a_token(desk: Any) -> None:
    """Nobody writes in nobody's name, and an empty token opens nothing."""
    assert "nobody is named" in refusal(lambda: facilitate(desk.root, author=" "))
    assert "token is empty" in refusal(lambda: facilitate(desk.root, author="ada", token=" "))  # noqa: S106


def test_importing_the_commands_stays_light() -> None:
    """Help is printed without Voila, notebooks or data frames being imported."""
    heavy = ("voila", "nbformat", "tornado", "polars", "altair", "pydantic")
    code = f"import sys, workbench.publish.serve; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(CODE)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_server_and_its_kernels(
    serve_of: Callable[..., Any], eventually: Callable[..., bool], how: signal.Signals
) -> None:
    """A person's Ctrl-C, a system's SIGTERM and a closed terminal end everything, with status 0 and no traceback."""
    served = serve_of()
    served.open_live(NOTEBOOK)
    kernels = served.kernels()
    assert kernels
    folder = Path(kernels[0].environ()["WORKBENCH_SCRATCH"])
    assert served.stop(how) == 0
    assert eventually(lambda: not any(kernel.is_running() for kernel in kernels))
    assert not folder.parent.exists()
    assert "Traceback" not in served.output()


def test_a_killed_server_leaves_no_kernel(serve_of: Callable[..., Any], eventually: Callable[..., bool]) -> None:
    """Even when nothing could be tidied, no kernel goes on alone."""
    if sys.platform != "linux":
        pytest.skip("only Linux ends a process with its parent")
    served = serve_of()
    served.open_live(NOTEBOOK)
    kernels = served.kernels()
    served.stop(signal.SIGKILL)
    assert kernels
    assert eventually(lambda: not any(kernel.is_running() for kernel in kernels))


def test_the_server_says_one_line(serve_of: Callable[..., Any]) -> None:
    """When it answers it prints its address; a reader's visit prints nothing."""
    served = serve_of()
    assert served.ask("/healthz").text == "ok\n"
    served.ask("/reviews/slow-checkout/")
    with served.open_live(NOTEBOOK).connect():
        pass
    assert served.output() == f"The reviews are at http://127.0.0.1:{served.port}/\n"


def test_live_pages_are_limited_and_given_back(
    serve_of: Callable[..., Any], own_desk: Any, eventually: Callable[..., bool]
) -> None:
    """When all places are taken a reader is sent to the stored page; a page that is closed or left makes room."""
    with (own_desk.root / "workbench.toml").open("a") as settings:
        settings.write("\n[serve]\nmax_live_pages = 2\n")
    served = serve_of(root=own_desk.root)
    first, second = served.open_live(NOTEBOOK), served.open_live(NOTEBOOK)
    assert len(served.kernels()) == 2
    with second.connect():
        with first.connect():
            full = served.ask(NOTEBOOK, headers={"Sec-Fetch-Dest": "document"})
            assert full.status == 503
            assert "/reviews/slow-checkout/" in full.text
            assert "retry-after" in full.headers
        here = f"http://127.0.0.1:{served.port}"
        own = {"Cookie": first.cookie, "Origin": here}
        assert served.ask(f"/voila/api/shutdown/{first.kernel}", "POST", headers=own).status == 204
        assert eventually(first.gone)
        third = served.open_live(NOTEBOOK)
        with third.connect():
            pass
        # Whoever reloads takes the place of the page that they left, however full it is.
        again = served.open_live(NOTEBOOK, third.cookie)
        assert again.cookie == third.cookie
        assert eventually(third.gone)
        assert not second.gone()


def test_a_kernel_that_dies_is_forgotten(serve_of: Callable[..., Any], eventually: Callable[..., bool]) -> None:
    """A dead kernel isn't restarted empty: its page loses its connection, and its place is free."""
    served = serve_of()
    live = served.open_live(NOTEBOOK)
    with live.connect() as socket:
        for kernel in served.kernels():
            kernel.kill()
        while socket.recv_data()[0] != 8:
            pass
    assert eventually(lambda: served.ask(f"/api/kernels/{live.kernel}", headers={"Cookie": live.cookie}).status == 404)
    assert not served.kernels()


# The facilitator's server


@pytest.fixture(scope="module")
def forms(serve_of: Callable[..., Any]) -> Any:
    """The facilitator's server."""
    return serve_of(f"facilitate(root, author='ada', port=0, token={TOKEN!r})", DATABASE_PASSWORD="hunter2")  # noqa: S106


@pytest.mark.parametrize(
    "path", ["/", "/reviews/slow-checkout/", "/live/capture/", "/live/capture/?incident=slow-checkout"]
)
def test_nothing_is_shown_without_the_token(forms: Any, path: str) -> None:
    """Whoever hasn't shown it is sent to the login, which says how to come in."""
    sent = forms.ask(path)
    assert (sent.status, sent.headers["location"]) == (303, "/login")
    asked = forms.ask("/login")
    assert asked.status == 403
    assert "address that the server printed" in asked.text
    assert forms.ask(f"{path.partition('?')[0]}?token={TOKEN}").status == 303
    assert forms.ask(path, headers={"Authorization": f"token {TOKEN}"}).status == 303


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "ä"])
def test_a_wrong_token_opens_nothing(forms: Any, token: str) -> None:
    """Nothing but the whole token gives a cookie."""
    from urllib.parse import quote

    got = forms.ask(f"/login?token={quote(token, safe='%')}")
    assert got.status == 403
    assert "set-cookie" not in got.headers


def test_the_token_stays_nowhere(forms: Any) -> None:
    """It is shown once: the browser goes on to a clean address, with a cookie that no script and no other site has."""
    got = forms.ask(f"/login?token={TOKEN}")
    assert (got.status, got.headers["location"]) == (303, "/")
    cookie = got.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    own = {"Cookie": cookie.partition(";")[0]}
    assert forms.ask("/", headers=own).headers["location"] == "/live/capture/"
    live = forms.open_live("/live/capture/?incident=slow-checkout", own["Cookie"])
    for kernel in forms.kernels():
        environment = kernel.environ()
        assert TOKEN not in str(environment)
        assert "hunter2" not in str(environment)
        assert environment["WORKBENCH_AUTHOR"] == "ada"
        assert "WORKBENCH_READ_ONLY" not in environment
    assert TOKEN not in live.page.text
    assert TOKEN not in forms.output().replace(forms.address, "")


def test_a_link_from_elsewhere_comes_in_with_the_cookie(forms: Any) -> None:
    """A browser doesn't send a strict cookie along a link from another site; the page asks again from here."""
    got = forms.ask("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert got.status == 200
    assert 'http-equiv="refresh"' in got.text


def test_reading_pages_are_not_served_to_write(forms: Any) -> None:
    """Each server has its own live pages: no reader's page has a kernel that could write."""
    own = {"Cookie": forms.ask(f"/login?token={TOKEN}").headers["set-cookie"].partition(";")[0]}
    assert forms.ask("/live/explore/", headers=own).status == 404


def test_a_token_is_made_when_none_is_given(serve_of: Callable[..., Any]) -> None:
    """The address holds one that nobody can guess, another at each start."""
    one, other = (serve_of("facilitate(root, author='ada', port=0)") for _ in range(2))
    tokens = [served.address.partition("token=")[2] for served in (one, other)]
    assert all(len(token) > 40 for token in tokens)
    assert tokens[0] != tokens[1]
    assert one.ask(f"/login?token={tokens[0]}").status == 303
    assert one.ask(f"/login?token={tokens[1]}").status == 403


def test_no_process_is_left(serve_of: Callable[..., Any]) -> None:
    """A server that was ended has no child any more."""
    served = serve_of()
    process = psutil.Process(served.process.pid)
    served.open_live(NOTEBOOK)
    children = process.children(recursive=True)
    served.stop()
    assert children
    assert not [child for child in children if child.is_running()]
