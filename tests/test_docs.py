"""The documentation is true both ways: what exists is named, and what is named exists."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from workbench import __version__
from workbench.analysis.reasons import Reason, Suspect
from workbench.cli.app import app
from workbench.evidence import Citation, Manifest, Table
from workbench.settings import Settings
from workbench.telemetry.schema import FRAMES, REQUIRED

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
KINDS = set(PROJECT["entry-points"]["workbench.sources"])
ROOMS = ("workbench", "widgets", "notebooks", "reports", "tests", "benchmarks", "docs", "requirements", ".ci")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int


def read(name: str) -> str:
    """Return a file of the checkout."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    """Return a page's fenced blocks."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(one[1], one[2], text.count("\n", 0, one.start()) + 2) for one in found]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    """Return what stands between back-ticks, on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def code(page: Path) -> list[str]:
    """Return all code of a page, joined lines as one: spans, and the lines of blocks that a shell would run."""
    shell = [block.text.replace("\\\n", " ") for block in blocks(page) if block.language in {"console", "sh"}]
    return spans(prose(page)) + [line for text in shell for line in text.splitlines()]


def section(text: str, heading: str) -> str:
    """Return what stands under a heading of the second order."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> dict[str, Any]:
    """Return every command by its words."""

    def walk(group: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name, one in group.commands.items():
            if hasattr(one, "commands"):
                yield from walk(one, f"{path}{name} ")
            else:
                yield f"{path}{name}", one

    return dict(walk(get_command(app), ""))


COMMANDS = commands()
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


def options(command: Any) -> set[str]:
    """Return the options of a command that have two dashes."""
    named = [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
    return {name for name in named if name.startswith("--")} | {"--help"}


def flags(text: str) -> set[str]:
    """Return the options that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


# What exists is named


def test_every_command_has_a_section_with_its_options() -> None:
    """And no section is of a command, or names an option, that isn't there."""
    text = read("docs/commands.md")
    assert set(re.findall(r"^## workbench (.+)$", text, re.MULTILINE)) == set(COMMANDS)
    general = text.partition("\n## ")[0]
    assert {"--help", "--version", "--install-completion", "--show-completion"} <= flags(general)
    for name, command in COMMANDS.items():
        told = flags(section(text, f"workbench {name}"))
        assert told - {"--help"} == options(command) - {"--help"}, name


def test_every_setting_is_told_with_its_default() -> None:
    """And no other; the default in the table is the one in the code."""
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([^`]*)` \|", read("docs/settings.md"), re.MULTILINE)

    def keys(model: type[BaseModel], under: str = "") -> Iterator[str]:
        for name, field in model.model_fields.items():
            inner = field.annotation
            if inspect.isclass(inner) and issubclass(inner, BaseModel):
                yield from keys(inner, f"{name}.")
            else:
                yield f"{under}{name}"

    assert sorted([*(key for key, _ in rows), "sources"]) == sorted(keys(Settings))
    for key, default in rows:
        assert Settings.model_validate(tomllib.loads(f"{key} = {default}")) == Settings(), key


def test_every_environment_variable_is_told() -> None:
    """Those that the program reads are in the list, and what is in the list is read by it or by its tests."""

    def named(*rooms: str) -> set[str]:
        files = [path for room in rooms for path in (ROOT / room).rglob("*.py") if path != Path(__file__)]
        return {name for path in files for name in re.findall(r"\bWORKBENCH_[A-Z]+(?:_[A-Z]+)*\b", path.read_text())}

    told = set(re.findall(r"WORKBENCH_[A-Z_]+", "".join(page.read_text(encoding="utf-8") for page in PAGES)))
    assert named("workbench", "widgets") <= set(re.findall(r"WORKBENCH_[A-Z_]+", read("docs/settings.md")))
    assert told <= named("workbench", "widgets", "tests", "benchmarks")


def test_every_kind_of_source_is_told() -> None:
    """In the README's table and with a part of its own; no other kind has one."""
    table = section(read("README.md"), "Sources of telemetry")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == KINDS
    told = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "sources").glob("*.md"))
    assert sorted(re.findall(r"^##? The (\w+) source$", told, re.MULTILINE)) == sorted(KINDS)


def test_every_make_target_and_variable_is_told() -> None:
    """And no other."""
    makefile, told = read("Makefile"), section(read("docs/commands.md"), "make")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert sorted(re.findall(r"^\| `make ([a-z-]+)` \|", told, re.MULTILINE)) == sorted(targets)
    assert set(re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE)) <= set(spans(told))


def test_every_column_of_the_frames_is_told() -> None:
    """With the required ones marked, in the order of the schema."""
    told: dict[str, dict[str, bool]] = {}
    for frame, names, meaning in re.findall(
        r"^\| (?:\*\*(\w+)\*\*)? ?\| (`[^|]+`) \| [^|]+ \|(.*)\|$", read("docs/telemetry.md"), re.MULTILINE
    ):
        if frame:
            told[frame] = {}
        if told:
            list(told.values())[-1].update(dict.fromkeys(spans(names), "**required**" in meaning))
    assert {frame: list(columns) for frame, columns in told.items()} == {f: list(s) for f, s in FRAMES.items()}
    for frame, columns in told.items():
        assert {name for name, needed in columns.items() if needed} == set(REQUIRED[frame])  # type: ignore[index]


def test_every_note_on_data_is_told() -> None:
    """What a source or a pull remarks about rows has its line, by the name in the manifest."""
    sources = [path for room in ("telemetry", "evidence") for path in (ROOT / "workbench" / room).rglob("*.py")]
    made = {kind for path in sources for kind in re.findall(r'(?:Problem\(\s*|\bkind=)"([a-z-]+)"', path.read_text())}
    told = re.findall(r"^\| `([a-z-]+)` \| ", read("docs/telemetry.md").partition("## What is odd")[2], re.MULTILINE)
    assert sorted(told) == sorted(made)


@pytest.mark.parametrize(
    ("page", "models"), [("docs/evidence.md", (Manifest, Table, Citation)), ("docs/analysis.md", (Suspect, Reason))]
)
def test_every_field_that_programs_read_is_told(page: str, models: tuple[type[BaseModel], ...]) -> None:
    """What stands in a manifest, a citation or the list of suspects, and the words that a field is one of."""
    told = set(spans(prose(ROOT / page)))
    for model in models:
        words = {word for field in model.model_fields.values() for word in get_args(field.annotation)}
        wanted = {*model.model_fields, *(word for word in words if isinstance(word, str))}
        assert wanted <= told, wanted - told


def test_every_route_is_told() -> None:
    """The table of who may what has every route of the servers, and no other."""
    told = [span for span in spans(section(read("docs/security.md"), "Routes")) if span.startswith("/")]
    table = re.findall(r'\(\s*r?f?r?"(/[^"]*)"', read("workbench/publish/serve/app.py"))
    shown = {re.split(r"[A-Z…?]", route)[0] for route in told}
    assert shown == {re.split(r"\(\?P|\{", route)[0].replace("\\", "") for route in table}


def test_the_changelog_begins_with_this_version() -> None:
    """What is installed is what the page tells of."""
    first = re.search(r"^## \[(.+?)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert first
    assert first[1] == __version__


# What is named exists


@each_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    """With the options it is shown with."""
    for text in code(page):
        for part in re.split(r"&&|;|\|\|", text):
            found = re.search(r"(?<![\w./-])(?:\.venv/bin/)?workbench ([a-z]+)(?: ([a-z]+))?", part)
            if not found:
                continue
            name = f"{found[1]} {found[2]}" if found[1] in GROUPS and found[2] else found[1]
            assert name in COMMANDS or name in GROUPS, part
            if name in COMMANDS:
                assert flags(part) <= options(COMMANDS[name]), part


@each_page
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    """In sentences and in examples."""
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = {found for text in code(page) for found in re.findall(r"(?:^|&& |\$ )make ([a-z-]+)", text)}
    assert named <= targets


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file of this project, and to a heading that is there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@each_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    """Where no part of the name stands for something (NAME, …)."""
    for span in spans(prose(page)):
        if re.fullmatch(rf"(?:{'|'.join(map(re.escape, ROOMS))})/[a-z0-9_./-]*", span):
            assert (ROOT / span).exists(), span


@each_page
def test_every_block_is_of_a_known_language_and_parses(page: Path) -> None:
    """TOML as TOML, Python as Python; sources in it are of a kind that exists or that the page itself adds."""
    added = {name for block in blocks(page) for name in re.findall(r'^(\w+) = "\w+:\w+"$', block.text, re.MULTILINE)}
    for block in blocks(page):
        assert block.language in {"console", "python", "sh", "text", "toml"}, block
        if block.language == "python":
            ast.parse(block.text)
        if block.language == "toml":
            settings = tomllib.loads(block.text)
            sources = settings.get("sources", {}).values()
            assert {one["kind"] for one in sources} <= KINDS | added
            if "workspace" in settings or sources:
                Settings.model_validate(settings)


@each_page
def test_no_page_needs_what_only_we_have(page: Path) -> None:
    """Nothing lies beside a user's checkout."""
    assert "shared" not in page.read_text(encoding="utf-8").replace("shared data", "").replace("shared-data", "")
