"""What passes between a page and its kernel is what widgets need, and nothing that tells how the page was made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.publish.serve.messages import TROUBLE, RefusedError, check_incoming, clean_outgoing, told_in_log

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHANNELS = st.sampled_from(["shell", "control", "stdin", "iopub", "", None, 1])
ERROR = {"output_type": "error", "ename": "KeyError", "evalue": "secret", "traceback": ["secret line"]}
WARNING = {"output_type": "stream", "name": "stderr", "text": "secret"}


@given(kind=st.text(), channel=CHANNELS, content=st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_an_unknown_message_never_passes(kind: str, channel: Any, content: dict[str, Any]) -> None:
    """A type that isn't one of five is refused on every channel, whatever it holds."""
    if kind in {"comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"}:
        return
    with pytest.raises(RefusedError):
        check_incoming(channel, {"msg_type": kind}, content)


@given(data=JSON)
def test_a_widget_message_without_a_method_of_widgets_is_refused(data: Any) -> None:
    """Whatever else stands in it, it is refused as one thing and not as a crash."""
    if isinstance(data, dict) and data.get("method") in {"update", "request_state", "request_states", "custom"}:
        return
    with pytest.raises(RefusedError):
        check_incoming("shell", {"msg_type": "comm_msg"}, {"data": data})


@given(name=st.text(max_size=10), value=JSON)
def test_only_plain_names_are_set(name: str, value: Any) -> None:
    """A value is set under a plain name; a name with an underscore in front says which code a widget runs."""
    content = {"data": {"method": "update", "state": {name: value}}}
    if name.startswith("_"):
        with pytest.raises(RefusedError):
            check_incoming("shell", {"msg_type": "comm_msg"}, content)
    else:
        check_incoming("shell", {"msg_type": "comm_msg"}, content)


@given(content=st.dictionaries(st.text(max_size=8), JSON, max_size=4), kind=st.text(max_size=20))
def test_unknown_news_of_a_kernel_are_dropped(kind: str, content: dict[str, Any]) -> None:
    """What a page has no use for doesn't leave the server: replies to code, inputs, debugging, whatever comes later."""
    before = json.dumps(content)
    if clean_outgoing(kind, content) is not None:
        assert kind in {
            "clear_output", "comm_close", "comm_info_reply", "comm_msg", "comm_open", "display_data", "error",
            "iopub_welcome", "kernel_info_reply", "status", "stream", "update_display_data",
        }  # fmt: skip
    assert json.dumps(content) == before


@pytest.mark.parametrize("kind", ["execute_input", "execute_reply", "execute_result", "debug_reply", "input_request"])
def test_sources_do_not_leave(kind: str) -> None:
    """The messages that carry a notebook's code stay on the server."""
    assert clean_outgoing(kind, {"code": "secret"}) is None


def test_warnings_do_not_leave() -> None:
    """What is printed for a reader passes; what Python warns of is for the log."""
    assert clean_outgoing("stream", {"name": "stdout", "text": "x"}) == {"name": "stdout", "text": "x"}
    assert clean_outgoing("stream", {"name": "stderr", "text": "secret"}) is None
    assert told_in_log("stream", {"name": "stderr", "text": "secret"}) == "secret"


def test_an_error_is_said_in_words() -> None:
    """An exception becomes a sentence; its text goes to the log without its colours."""
    cleaned = clean_outgoing(
        "error", {"ename": "KeyError", "evalue": "secret", "traceback": ["\x1b[31msecret\x1b[39m"]}
    )
    assert "secret" not in json.dumps(cleaned)
    assert TROUBLE in json.dumps(cleaned)
    assert told_in_log("error", {"traceback": ["\x1b[31msecret\x1b[39m"]}) == "secret"


@pytest.mark.parametrize("kind", ["comm_msg", "comm_open"])
def test_an_output_widget_holds_no_traceback(kind: str) -> None:
    """Errors and warnings that were caught in a widget's state are cleaned where they lie, at any depth."""
    state = {
        "outputs": [ERROR, WARNING, {"output_type": "display_data", "data": {"text/plain": "kept"}}],
        "layout": None,
    }
    content = {"comm_id": "x", "data": {"states": {"a": {"state": state}}, "state": state}}
    cleaned = json.dumps(clean_outgoing(kind, content))
    assert "secret" not in cleaned
    assert "KeyError" not in cleaned
    assert cleaned.count("kept") == 2
