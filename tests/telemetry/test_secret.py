"""A secret comes from the environment or a command, and is shown by nothing."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import sys
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SourceError
from workbench.telemetry.secret import Secret

TOKEN = "tök/en+ 7f3a:ö"  # noqa: S105 - made up for the test

VARIABLE = "SHOP_TOKEN"


def secret(**settings: object) -> Secret:
    """Return the token of a table."""
    found = Secret.from_settings("shop", settings, "token")
    assert found
    return found


def printing(tmp_path: Path, text: str, status: int = 0) -> list[str]:
    """Return a command that prints a text, as ``pass show NAME`` does."""
    script = tmp_path / "pass.py"
    script.write_text(f"import sys\nsys.stdout.write({text!r})\nsys.exit({status})\n")
    return [sys.executable, str(script)]


def test_a_variable_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the settings are read: `workbench sources` works without secrets."""
    found = secret(token_env=VARIABLE)
    with pytest.raises(SourceError, match="SHOP_TOKEN") as told:
        _ = found.value
    assert "export SHOP_TOKEN" in told.value.do
    monkeypatch.setenv("SHOP_TOKEN", f"  {TOKEN}\n")
    assert found.value == TOKEN
    assert secret(token_env=VARIABLE).value == TOKEN


def test_a_command_gives_its_first_line(tmp_path: Path) -> None:
    """As ``pass`` keeps the secret in the first line and remarks below."""
    assert secret(token_command=printing(tmp_path, f"{TOKEN}\nuser: me\n")).value == TOKEN


@pytest.mark.parametrize(("text", "status"), [("half-a-secret", 1), ("", 0), ("\nsecond", 0)])
def test_a_command_that_gives_nothing_is_told_without_what_it_printed(tmp_path: Path, text: str, status: int) -> None:
    """An error may hold half of it."""
    with pytest.raises(SourceError, match="gave no secret") as told:
        _ = secret(token_command=printing(tmp_path, text, status)).value
    assert "half-a-secret" not in "".join(traceback.format_exception(told.value))


def test_a_command_that_is_not_there_is_told() -> None:
    """With its name, so that one can try it."""
    with pytest.raises(SourceError, match="no-such-program"):
        _ = secret(token_command=["no-such-program", "show"]).value


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token": TOKEN}, "holds a token itself"),
        ({"token_env": TOKEN}, "not the name of a variable"),
        ({"token_env": "A", "token_command": ["b"]}, "both"),
        ({"token_command": f"pass show {TOKEN}"}, "not a list of words"),
        ({"token_command": []}, "not a list of words"),
        ({"token_env": 5}, "not the name"),
    ],
)
def test_a_secret_in_the_settings_is_refused_without_showing_it(settings: dict[str, object], said: str) -> None:
    """Whoever wrote it there by mistake doesn't find it in a log too."""
    with pytest.raises(SourceError, match=said) as told:
        Secret.from_settings("shop", settings, "token")
    assert TOKEN not in str(told.value)
    assert "[sources.shop]" in str(told.value)


def test_nothing_that_is_shown_or_sent_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its text, nor a pickle, nor a copy; the copy fetches it again."""
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    found = secret(token_env=VARIABLE)
    assert found.value == TOKEN
    assert TOKEN not in f"{found} {found!r} {[found]}"
    packed = pickle.dumps(found)
    assert TOKEN.encode() not in packed
    assert pickle.loads(packed).value == TOKEN  # noqa: S301 - made above
    assert copy.deepcopy(found).value == TOKEN


@given(st.text(min_size=1), st.text(), st.text())
def test_it_is_taken_out_of_any_text(before: str, after: str, value: str) -> None:
    """As it is, quoted for an address, in JSON, and within basic credentials."""
    found = Secret("here", variable="UNUSED")
    found.__dict__["value"] = TOKEN
    basic = base64.b64encode(f"{before}:{TOKEN}".encode()).decode()
    for told in (TOKEN, quote(TOKEN, safe=""), quote(TOKEN), json.dumps(TOKEN), repr(TOKEN), f"Basic {basic} "):
        shown = found.hide(f"{value} {told} {after}")
        assert told.strip('"') not in shown
        assert "•••" in shown


def test_it_is_only_hidden_where_it_stands() -> None:
    """Other words stay as they are, and before it was fetched there is nothing to hide."""
    found = Secret("here", variable="UNUSED")
    assert found.hide("all as it was") == "all as it was"
    found.__dict__["value"] = TOKEN
    assert found.hide("Zm9vOmJhcg== all as it was") == "Zm9vOmJhcg== all as it was"
    assert Secret.hide_all([None, found], f"a {TOKEN} b") == "a ••• b"
