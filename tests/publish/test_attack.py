"""An attacker with a raw HTTP client and websocket changes nothing, learns nothing, and gets no other's kernel."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import websocket

SECRET = "correct-horse-battery-staple"  # noqa: S105 - planted, so that it can be looked for
NOTEBOOK = "/live/explore/?incident=slow-checkout"
METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
ANY_KERNEL = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def served(serve_of: Callable[..., Any]) -> Any:
    """The read-only server, with secrets in its environment."""
    return serve_of(
        "serve(root, port=0)",
        DATABASE_PASSWORD=SECRET,
        AWS_SECRET_ACCESS_KEY=SECRET,
        WORKBENCH_AUTHOR="boss",
        JUPYTER_TOKEN=SECRET,
    )


@pytest.fixture(scope="module")
def live(served: Any) -> Any:
    """One visitor's live page."""
    return served.open_live(NOTEBOOK)


@pytest.fixture(scope="module")
def stranger(served: Any, live: Any) -> Iterator[Any]:
    """Another visitor's live page, which stays open."""
    page = served.open_live(NOTEBOOK)
    with page.connect():
        yield page


@pytest.fixture(scope="module")
def channel(live: Any) -> Iterator[Any]:
    """The first visitor's connection to their own kernel, once it answers."""
    with live.connect() as socket:
        ask(socket, "kernel_info_request")
        assert heard(socket, "kernel_info_reply")
        yield socket


def message(kind: str, channel: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return a message of Jupyter's protocol."""
    header = {"msg_id": uuid4().hex, "msg_type": kind, "username": "x", "session": uuid4().hex, "version": "5.3"}
    header["date"] = "2026-01-01T00:00:00Z"
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "buffers": [],
        "channel": channel,
    }


def ask(socket: Any, kind: str, channel: str = "shell", content: dict[str, Any] | None = None) -> None:
    """Send a message."""
    socket.send(json.dumps(message(kind, channel, content or {})))


def listen(socket: Any, seconds: float) -> list[dict[str, Any]]:
    """Return all that arrives within some time, or until a message says the kernel is idle after our last question."""
    got: list[dict[str, Any]] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        socket.settimeout(left)
        try:
            got.append(json.loads(socket.recv()))
        except websocket.WebSocketTimeoutException:
            break
    return got


def heard(socket: Any, kind: str, seconds: float = 20.0) -> dict[str, Any] | None:
    """Return the first message of a type that arrives, or None."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        socket.settimeout(left)
        try:
            got = json.loads(socket.recv())
        except websocket.WebSocketTimeoutException:
            return None
        if got["header"]["msg_type"] == kind:
            return dict(got)
    return None


def widgets_of(socket: Any) -> dict[str, dict[str, Any]]:
    """Return the state of every widget of the page, as the front end asks for it."""
    comm = uuid4().hex
    opening = message("comm_open", "shell", {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}})
    socket.send(json.dumps(opening | {"metadata": {"version": "1.0.0"}}))
    ask(socket, "comm_msg", content={"comm_id": comm, "data": {"method": "request_states"}})
    while (got := heard(socket, "comm_msg")) and "states" not in got["content"]["data"]:
        pass
    assert got is not None
    return {name: one["state"] for name, one in got["content"]["data"]["states"].items()}


# What is mounted


def test_every_route_goes_through_the_gate() -> None:
    """No class in the table answers before the one that decides for all of them, and nothing but ours is in it."""
    from workbench.startup import skip_unused_grammar

    skip_unused_grammar()
    from workbench.publish.serve.app import Server
    from workbench.publish.serve.gate import Gate, Missing

    for table in tables(Server):
        assert len(table) > 12
        for _, handler, *_ in table:
            assert issubclass(handler, Gate), handler
            assert handler.prepare is Gate.prepare, f"{handler} decides by itself"
            assert handler.write_error is Gate.write_error, f"{handler} shows its own errors"
    assert issubclass(Missing, Gate)


def tables(server: Any) -> Iterator[list[Any]]:
    """Yield the routes of both servers."""
    from workbench.publish.serve.plan import Plan

    def plan(**more: Any) -> Plan:
        empty: Any = {"workspace": Path(), "sockets": (), "port": 1, "render": str, "ready": str}
        return Plan(**empty, pages=("explore",), **more)

    for one in (plan(), plan(author="ada", token="t")):  # noqa: S106 - no secret
        made = server(plan=one)
        made.initialize()
        yield made.init_handlers()


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/x.png",
        "/voila/files/../workbench.toml",
        "/voila/tree",
        "/voila/tree/",
        "/voila/render/explore.ipynb",
        "/voila/render/../evidence",
        "/voila/api/contents",
        "/voila/api/contents/explore.ipynb",
        f"/voila/query/{ANY_KERNEL}",
        f"/voila/execution/{ANY_KERNEL}",
        "/api/contents",
        "/api/contents/records.db",
        "/api/kernels",
        "/api/sessions",
        "/api/kernelspecs",
        "/api/terminals",
        "/api/me",
        "/api/config",
        "/api/security/csp-report",
        "/logout",
        "/login",
        "/metrics",
        "/nbextensions/x.js",
        "/live/capture/",
        "/live/review/",
        "/live/explore.ipynb/",
    ],
)
def test_doors_of_voila_and_jupyter_are_gone(served: Any, path: str) -> None:
    """What Voila or Jupyter mounts by itself is an address like any other that doesn't exist."""
    got = served.ask(path)
    assert got.status == 404
    assert "There is nothing here" in got.text


PATHS = (
    "/", "/healthz", "/login", "/favicon.ico", "/reviews/slow-checkout", "/reviews/slow-checkout/",
    "/reviews/slow-checkout/20230130T100000.000000Z/", "/live/explore/", "/static/style.css", "/voila/static/voila.js",
    "/voila/templates/base/static/voila.js", "/voila/labextensions/anywidget/package.json", "/voila/api/themes/x.css",
    f"/api/kernels/{ANY_KERNEL}", f"/api/kernels/{ANY_KERNEL}/channels", f"/voila/api/shutdown/{ANY_KERNEL}",
    "/nothing",
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_nothing_takes_a_change(served: Any, method: str, path: str) -> None:
    """No route takes another method than reading ones; the one that ends a kernel is its owner's only."""
    got = served.ask(path, method, body=b"x=1")
    assert got.status in {403, 404, 405}
    assert "<h1>" in got.text


def test_the_list_of_paths_above_is_whole() -> None:
    """Every route in the real table is one of those that the methods are tried on."""
    from workbench.startup import skip_unused_grammar

    skip_unused_grammar()
    from workbench.publish.serve.app import Server

    for table in tables(Server):
        tried = [pattern for pattern, *_ in table if any(re.fullmatch(pattern, path) for path in PATHS)]
        untried = {pattern for pattern, *_ in table} - set(tried)
        assert all(pattern.startswith("/voila/templates/") for pattern in untried), untried


# Files


TRAVERSALS = (
    "../workbench.toml", "..%2fworkbench.toml", "%2e%2e/workbench.toml", "%2e%2e%2fworkbench.toml",
    "....//workbench.toml",
    "..%5cworkbench.toml", "..\\workbench.toml", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "%00", "x%00.css",
    "a%0ab.css", "style.css%00.png", ".", "..", "./style.css/../../../../package.json", "~root/.bashrc",
    "../package.json",
)  # fmt: skip
ROOTS = (
    "/static/",
    "/voila/static/",
    "/voila/labextensions/",
    "/voila/api/themes/",
    "/voila/templates/base/static/",
    "/reviews/",
)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_a_folder(served: Any, root: str, path: str) -> None:
    """However a path is written, it names a file of the program's or nothing; no answer is a crash."""
    got = served.ask(root + path)
    assert got.status in {400, 404}
    assert "[sources" not in got.text
    assert "root:" not in got.text


@pytest.mark.parametrize(
    "path",
    [
        "/records.db",
        "/workbench.toml",
        "/evidence/slow-checkout/",
        "/published/slow-checkout/20230130T100000.000000Z/review.ipynb",
        "/reviews/slow-checkout/20230130T100000.000000Z/review.ipynb",
        "/reviews/slow-checkout/../../records.db/",
        "/reviews/_home/",
        "/reviews/../evidence/slow-checkout/",
        "/reviews/.lock/",
        "/reviews/slow-checkout/.partial-x/",
        "/static/records.db",
        "/static/remoteEntry.py",
    ],
)
def test_nothing_of_the_workspace_is_a_file(served: Any, path: str) -> None:
    """The record, the settings, evidence and notebooks can't be fetched under any address."""
    assert served.ask(path).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/voila/labextensions/anywidget/package.json",
        "/voila/labextensions/jupyterlab_pygments/static/style.js",
        "/voila/labextensions/",
        "/voila/static/",
        "/static",
    ],
)
def test_what_is_installed_is_not_told(served: Any, path: str) -> None:
    """There is no list of files, no list of packages, and no file of an extension that live pages don't use."""
    assert served.ask(path).status == 404


@pytest.mark.parametrize("path", ["/", "/live/explore/", f"/voila/api/shutdown/{ANY_KERNEL}"])
def test_a_large_body_is_not_taken(served: Any, path: str) -> None:
    """A request that brings more than any needs to is cut off; the next one is answered."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        assert served.ask(path, "POST", body=b"x" * (1 << 20)).status in {400, 403, 404, 405, 413}
    assert served.ask("/healthz").status == 200


def test_a_page_holds_no_source(served: Any) -> None:
    """A stored page shows outputs; the code that made them stays on the server."""
    got = served.ask("/reviews/slow-checkout/")
    assert got.status == 200
    assert "four minutes" in got.text
    assert "secret_source" not in got.text


# Who asks, and from where


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8866", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""]
)
@pytest.mark.parametrize("path", ["/", "/static/style.css", "/live/explore/", "/healthz", "/nothing"])
def test_another_name_for_this_machine_is_refused(served: Any, host: str, path: str) -> None:
    """A page of another site whose name was pointed at this machine gets nothing, and words."""
    got = served.ask(path, headers={"Host": host or " "})
    assert got.status in {400, 403}
    if got.status == 403:
        assert "not known here" in got.text


@pytest.mark.parametrize("destination", ["image", "script", "iframe", "empty"])
def test_another_page_cannot_start_a_kernel(served: Any, destination: str) -> None:
    """A picture or a frame that names a live page starts nothing."""
    assert served.ask(NOTEBOOK, headers={"Sec-Fetch-Dest": destination}).status == 403


def test_a_link_from_elsewhere_is_opened_from_here(served: Any) -> None:
    """Whoever follows a link keeps their cookie, because the page asks again by itself."""
    before = len(served.kernels())
    got = served.ask(NOTEBOOK, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"})
    assert got.status == 200
    assert 'http-equiv="refresh"' in got.text
    assert "set-cookie" not in got.headers
    assert len(served.kernels()) == before


@pytest.mark.parametrize(
    "query",
    [
        "incident=../../etc",
        "incident=a'b",
        "incident=%22%0aimport%20os",
        "incident=a&incident=b",
        "token=x",
        "incident=slow-checkout&theme=x",
        "template=reveal",
        "incident=" + "a" * 300,
    ],
)
def test_an_address_says_no_more_than_an_incident(served: Any, query: str) -> None:
    """What could become code, a template or a path is refused before a kernel starts."""
    before = len(served.kernels())
    assert served.ask(f"/live/explore/?{query}").status == 400
    assert len(served.kernels()) == before


@pytest.mark.parametrize("path", [*PATHS, "/x/y/z"])
def test_every_answer_has_the_headers(served: Any, path: str) -> None:
    """Pages, files and errors alike say what a browser may do with them, and not which server this is."""
    if path == "/live/explore/":
        path = "/live/explore/?x=1"
    got = served.ask(path)
    assert {name: got.headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert "unsafe" not in got.headers["content-security-policy"]
    assert "server" not in got.headers


def test_a_live_page_allows_only_its_own_scripts(live: Any) -> None:
    """Each script of the page carries the one nonce of its answer; inline code, eval and other hosts are out."""
    policy = live.page.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce is not None
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce-" in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]
    scripts = re.findall(r"<script[^>]*>", live.page.text)
    assert scripts
    assert all(f'nonce="{nonce[1]}"' in script for script in scripts)


def test_the_cookie_cannot_be_read_or_sent_from_elsewhere(live: Any) -> None:
    """It names a visitor by a random word, for this browser session, to this server only."""
    sent = live.page.headers["set-cookie"]
    assert "HttpOnly" in sent
    assert "SameSite=Strict" in sent
    assert "expires" not in sent.lower()


# Kernels of others


@pytest.mark.parametrize("suffix", ["", "/channels"])
def test_another_visitors_kernel_does_not_exist(served: Any, live: Any, stranger: Any, suffix: str) -> None:
    """Who knows a kernel's id but didn't start it gets the answer for one that isn't there."""
    for cookie in (stranger.cookie, "", live.cookie[:-4] + "AAAA"):
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{served.port}"}
        got = served.ask(f"/api/kernels/{live.kernel}{suffix}", headers=headers)
        nobody = served.ask(f"/api/kernels/{ANY_KERNEL}{suffix}", headers=headers)
        assert (got.status, got.body) == (nobody.status, nobody.body) == (404, got.body)


def test_the_owner_learns_little(served: Any, live: Any) -> None:
    """One's own kernel says whether it lives."""
    got = served.ask(f"/api/kernels/{live.kernel}", headers={"Cookie": live.cookie})
    assert got.status == 200
    assert set(json.loads(got.text)) == {"id", "name", "execution_state"}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Cookie": ""}, 404),
        ({"Cookie": "forged"}, 404),
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 403),
    ],
    ids=str,
)
def test_a_websocket_is_opened_by_the_owners_page_only(live: Any, changed: dict[str, str], status: int) -> None:
    """Without the cookie, from another site or under another name there is no connection."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refused, live.connect(**changed):
        pass
    assert refused.value.status_code == status


def test_a_websocket_to_anothers_kernel_is_refused(live: Any, stranger: Any) -> None:
    """A visitor with a kernel of their own still can't join another's."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refused, stranger.connect(live.kernel):
        pass
    assert refused.value.status_code == 404


@pytest.mark.parametrize("whose", ["stranger", "nobody", "owner elsewhere", "owner without origin"])
def test_nobody_ends_anothers_kernel(served: Any, live: Any, stranger: Any, whose: str) -> None:
    """Ending a kernel takes its owner's cookie and a page of this server."""
    here = f"http://127.0.0.1:{served.port}"
    headers = {
        "stranger": {"Cookie": stranger.cookie, "Origin": here},
        "nobody": {"Origin": here},
        "owner elsewhere": {"Cookie": live.cookie, "Origin": "http://evil.example"},
        "owner without origin": {"Cookie": live.cookie},
    }[whose]
    assert served.ask(f"/voila/api/shutdown/{live.kernel}", "POST", headers=headers).status in {403, 404}
    assert not live.gone()


# What passes through one's own connection


REFUSED = (
    ("execute_request", {"code": "open('/tmp/x','w')", "silent": False, "store_history": False, "allow_stdin": False}),
    ("complete_request", {"code": "import o", "cursor_pos": 8}),
    ("inspect_request", {"code": "open", "cursor_pos": 4, "detail_level": 1}),
    ("history_request", {"hist_access_type": "tail", "n": 10, "output": True, "raw": True}),
    ("is_complete_request", {"code": "1"}),
    ("input_reply", {"value": "x"}),
    ("debug_request", {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}),
    ("interrupt_request", {}),
    ("shutdown_request", {"restart": False}),
    ("create_subshell_request", {}),
    ("usage_request", {}),
    ("nonsense", {}),
)


@pytest.mark.parametrize("where", ["shell", "control", "stdin", "iopub"])
@pytest.mark.parametrize(("kind", "content"), REFUSED, ids=[kind for kind, _ in REFUSED])
def test_nothing_is_run_from_the_browser(
    live: Any, channel: Any, kind: str, content: dict[str, Any], where: str
) -> None:
    """Of all messages only those of widgets reach the kernel; the others get no answer at all."""
    ask(channel, kind, where, content)
    answers = []
    for other in ("shell", "control"):
        # What is asked later is answered later, so everything that came of it is among what comes before this.
        ask(channel, "kernel_info_request", other)
        while not answers or answers[-1] != "kernel_info_reply":
            answers.append(json.loads(channel.recv())["header"]["msg_type"])
        answers.pop()
    assert set(answers) <= {"status", "iopub_welcome"}
    assert not live.gone()


def binary(kind: str, where: str, content: dict[str, Any]) -> bytes:
    """Return a message in Jupyter's binary protocol."""
    made = message(kind, where, content)
    parts = [
        where.encode(),
        *(json.dumps(made[name]).encode() for name in ("header", "parent_header", "metadata", "content")),
    ]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return b"".join([len(offsets).to_bytes(8, "little"), *(one.to_bytes(8, "little") for one in offsets), *parts])


@pytest.mark.parametrize("kind", ["execute_request", "shutdown_request", "debug_request"])
@pytest.mark.parametrize("where", ["shell", "control"])
def test_the_binary_protocol_is_no_way_around(live: Any, kind: str, where: str) -> None:
    """The second protocol is read by the same rules."""
    with live.connect(protocol="v1.kernel.websocket.jupyter.org") as socket:
        socket.send_binary(binary(kind, where, dict(REFUSED[0][1]) | {"restart": False}))
        seen = b""
        for other in ("shell", "control"):
            socket.send_binary(binary("kernel_info_request", other, {}))
            while b"kernel_info_reply" not in (last := socket.recv()):
                seen += last
    assert b"execute" not in seen.replace(b"execute_input", b"")
    assert b"shutdown_reply" not in seen
    assert not live.gone()


@pytest.mark.parametrize(
    "rubbish", ["", "{", "[]", "null", '{"header":{}}', '{"channel":"shell","header":{"msg_type":"comm_msg"}}']
)
def test_rubbish_closes_the_connection(live: Any, rubbish: str) -> None:
    """What can't be read is not from our page, and the kernel never sees it."""
    with live.connect() as socket:
        socket.send(rubbish)
        kinds = [socket.recv_data()[0]]
        while kinds[-1] == websocket.ABNF.OPCODE_TEXT:
            kinds.append(socket.recv_data()[0])
        assert kinds[-1] == websocket.ABNF.OPCODE_CLOSE
    assert not live.gone()


def test_a_huge_message_closes_the_connection(live: Any) -> None:
    """No message may be larger than a page's own ever is."""
    with live.connect() as socket, contextlib.suppress(websocket.WebSocketException, OSError):
        socket.send(json.dumps(message("comm_msg", "shell", {"data": "x" * (2 << 20)})))
        while socket.recv_data()[0] != websocket.ABNF.OPCODE_CLOSE:
            pass
    assert not live.gone()


@pytest.mark.parametrize("target", ["jupyter.widget", "jupyter.widget.version", "anything", ""])
def test_no_widget_is_made_from_the_browser(channel: Any, target: str) -> None:
    """The kernel makes widgets; a browser that opens one (an upload, say) is not heard."""
    before = set(widgets_of(channel))
    state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "FileUploadModel"}
    content = {"comm_id": uuid4().hex, "target_name": target, "target_module": "os", "data": {"state": state}}
    ask(channel, "comm_open", content=content)
    assert set(widgets_of(channel)) == before


def test_only_choices_that_exist_can_be_made(channel: Any) -> None:
    """A list takes another of its options; code, classes and what isn't an option stay as they were."""
    widgets = widgets_of(channel)
    name, listed = next((n, s) for n, s in widgets.items() if len(s.get("_options_labels", ())) > 1)

    def update(**state: Any) -> dict[str, Any]:
        ask(
            channel,
            "comm_msg",
            content={"comm_id": name, "data": {"method": "update", "state": state, "buffer_paths": []}},
        )
        return widgets_of(channel)[name]

    assert update(index=1)["index"] == 1
    assert update(index=10_000)["index"] == 1
    assert update(_options_labels=["x"])["_options_labels"] == listed["_options_labels"]
    assert update(_model_name="HTMLModel", index=0)["_model_name"] == "DropdownModel"
    assert update(index=0)["index"] == 0


def test_no_traceback_leaves_the_kernel(served: Any, channel: Any, eventually: Callable[..., bool]) -> None:
    """A callback that fails on what a browser sent says so in the server's log, and nothing of it in the browser."""
    name = next(n for n, s in widgets_of(channel).items() if s["_model_name"] == "DropdownModel")
    content = {"comm_id": name, "data": {"method": "update", "state": {"index": 10_000}, "buffer_paths": []}}
    ask(channel, "comm_msg", content=content)
    said = json.dumps(listen(channel, 2))
    assert "Traceback" not in said
    assert "TraitError" not in said
    assert "site-packages" not in said
    assert eventually(lambda: "TraitError" in served.output())


# What a kernel knows


def test_a_kernel_knows_no_secret(served: Any, live: Any, stranger: Any) -> None:
    """Its environment is its own: nothing of the server's but what a Python needs, and no word of who visits."""
    kernels = served.kernels()
    assert len(kernels) >= 2
    for kernel in kernels:
        environment = kernel.environ()
        everything = json.dumps(environment)
        assert SECRET not in everything
        assert live.cookie not in everything
        assert "boss" not in everything
        assert environment["WORKBENCH_READ_ONLY"] == "1"
        assert not {"QUERY_STRING", "VOILA_REQUEST_URL", "HTTP_COOKIE", "JUPYTER_TOKEN"} & set(environment)


def test_the_log_keeps_no_query(served: Any) -> None:
    """What stands behind a question mark is in no line of the log."""
    served.ask(f"/nothing?token={SECRET}")
    served.ask(f"/login?token={SECRET}")
    assert SECRET not in served.output()


def test_errors_are_told_in_words(served: Any) -> None:
    """An error page is a sentence and a way on; no file name, no traceback, no name of a program."""
    for path in ("/nothing", "/reviews/nothing/", f"/api/kernels/{ANY_KERNEL}", "/live/explore/?x=1"):
        got = served.ask(path).text
        assert "<h1>" in got
        assert not re.search(r"Traceback|\.py|[Tt]ornado|[Vv]oila|[Jj]upyter", got)


# Last: whatever was tried above


def test_the_workspace_is_as_it_was(serve_of: Callable[..., Any], desk: Any) -> None:
    """After a server was started, read, attacked and ended, every byte of the workspace is what it was."""
    before = desk.everything()
    served = serve_of()
    served.ask("/")
    served.ask("/reviews/slow-checkout/")
    live = served.open_live(NOTEBOOK)
    with live.connect() as socket:
        for kind, content in REFUSED:
            ask(socket, kind, "shell", content)
        name = next(n for n, s in widgets_of(socket).items() if s["_model_name"] == "DropdownModel")
        ask(socket, "comm_msg", content={"comm_id": name, "data": {"method": "update", "state": {"index": 1}}})
        listen(socket, 2)
    for method in METHODS:
        served.ask("/reviews/slow-checkout/", method, body=b"x")
    assert served.stop() == 0
    assert desk.everything() == before
