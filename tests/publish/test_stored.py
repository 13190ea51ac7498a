"""A stored page is the newest version that can be read, whole at every moment, sent once and then only asked about."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.publish.page import POLICY
from workbench.publish.serve.headers import SETTLED
from workbench.publish.serve.stored import Shelf


@pytest.fixture(scope="module")
def served(serve_of: Callable[..., Any]) -> Any:
    """The read-only server."""
    return serve_of()


def words(path: Path) -> str:
    """Render a page without nbconvert: the text of the notebook's first cell."""
    return "".join(json.loads(path.read_text())["cells"][0]["source"])


def shown(shelf: Shelf, folder: str = "a", version: str = "") -> str | None:
    """Return what a reader sees at an address."""
    answer = asyncio.run(shelf.page(folder, "review.ipynb", version))
    return None if answer is None else answer.plain.decode()


def test_the_newest_version_is_shown(own_desk: Any) -> None:
    """A new version shows at once; an older one keeps its address; half-made and unknown ones don't exist."""
    shelf = Shelf(own_desk.root / "published", words)
    assert shown(shelf) is None
    own_desk.publish("a", "review", "first", version="20260101T000000.000000Z")
    assert shown(shelf) == "first"
    own_desk.publish("a", "review", "second", version="20260102T000000.000000Z")
    own_desk.publish("a", "review", "half", version=".partial-20260103T000000.000000Z")
    assert shown(shelf) == "second"
    assert shown(shelf, version="20260101T000000.000000Z") == "first"
    assert shown(shelf, version="20260103T000000.000000Z") is None


def test_a_version_that_cannot_be_read_is_passed_over(own_desk: Any) -> None:
    """A damaged notebook doesn't take the page away: the version before it is shown."""
    shelf = Shelf(own_desk.root / "published", words)
    own_desk.publish("a", "review", "first", version="20260101T000000.000000Z")
    broken = own_desk.publish("a", "review", "second", version="20260102T000000.000000Z")
    broken.write_text(broken.read_text()[:40])
    (own_desk.root / "published" / "a" / "20260103T000000.000000Z").mkdir()
    assert shown(shelf) == "first"


def test_a_page_is_made_once(own_desk: Any) -> None:
    """However many ask at the same time, a page is rendered once for each state of its file."""
    made: list[Path] = []

    def counted(path: Path) -> str:
        made.append(path)
        return words(path)

    own_desk.publish("a", "review", "first")
    shelf = Shelf(own_desk.root / "published", counted)

    async def many() -> set[str]:
        answers = await asyncio.gather(*(shelf.page("a", "review.ipynb") for _ in range(50)))
        return {answer.tag for answer in answers if answer}

    assert len(asyncio.run(many())) == 1
    assert len(made) == 1


def test_a_page_that_failed_is_tried_again(own_desk: Any) -> None:
    """A failure isn't kept: the next reader gets the page once it can be made."""
    own_desk.publish("a", "review", "first")
    failing = [True]

    def sometimes(path: Path) -> str:
        if failing[0]:
            raise ValueError("not now")
        return words(path)

    shelf = Shelf(own_desk.root / "published", sometimes)
    assert shown(shelf) is None
    failing[0] = False
    assert shown(shelf) == "first"


def test_the_likeliest_pages_are_made_beforehand(own_desk: Any) -> None:
    """The list and the reviews published last are there before anybody asks; a broken one keeps none of them away."""
    made: list[str] = []

    def counted(path: Path) -> str:
        made.append(words(path))
        if made[-1] == "broken":
            raise RuntimeError("broken")
        return made[-1]

    own_desk.publish("_home", "index", "list")
    for name in ("broken", "a", "b"):
        own_desk.publish(name, "review", name)
    (own_desk.root / "published" / ".hidden").mkdir()
    shelf = Shelf(own_desk.root / "published", counted)

    async def warm_then_ask() -> str | None:
        await shelf.warm()
        answer = await shelf.page("a", "review.ipynb")
        return answer and answer.plain.decode()

    assert asyncio.run(warm_then_ask()) == "a"
    assert sorted(made) == ["a", "b", "broken", "list"]


def test_a_new_workspace_has_nothing_to_make(own_desk: Any) -> None:
    """Where nothing is published, not even a folder, there is nothing to do beforehand."""
    asyncio.run(Shelf(own_desk.root / "published", words).warm())
    asyncio.run(Shelf(own_desk.root / "nowhere", words).warm())


def test_old_pages_are_let_go(own_desk: Any) -> None:
    """The server keeps a bounded number of pages."""
    shelf = Shelf(own_desk.root / "published", words, keep=2)
    for number in range(5):
        own_desk.publish(f"i{number}", "review", f"{number}")
        assert shown(shelf, f"i{number}") == f"{number}"
    assert len(shelf._made) == 2


def test_a_folder_being_replaced_never_yields_half_a_page(own_desk: Any) -> None:
    """While versions come and go as fast as they can, every answer is a whole page of some version."""
    published = own_desk.root / "published"
    own_desk.publish("a", "review", "0" * 5000, version="00000000")
    shelf = Shelf(published, words)
    ended = threading.Event()

    def replace() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            own_desk.publish("a", "review", str(number % 10) * 5000, version=f".partial-{number:08}")
            (published / "a" / f".partial-{number:08}").rename(published / "a" / f"{number:08}")
            shutil.rmtree(published / "a" / f"{number - 1:08}", ignore_errors=True)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        seen = [shown(shelf) for _ in range(300)]
    finally:
        ended.set()
        thread.join()
    assert {(len(page), len(set(page))) if page else page for page in seen} == {(5000, 1)}


def test_the_policy_is_the_one_pages_are_made_for() -> None:
    """What the page's template promises to do without is what the server forbids."""
    assert SETTLED == POLICY


def test_a_browser_asks_only_whether_it_changed(served: Any) -> None:
    """The tag of a page brings it again only when it is another page, packed and plain alike."""
    for encoding in ("gzip", "identity", "gzip;q=0", "br, *;q=0.5"):
        first = served.ask("/reviews/slow-checkout/", headers={"Accept-Encoding": encoding})
        assert first.status == 200
        assert first.headers["cache-control"] == "no-cache"
        asked = {"Accept-Encoding": encoding, "If-None-Match": f'W/{first.headers["etag"]}, "other"'}
        again = served.ask("/reviews/slow-checkout/", headers=asked)
        assert (again.status, again.body) == (304, b"")
        other = served.ask("/reviews/slow-checkout/", headers=asked | {"If-None-Match": '"other"'})
        assert other.status == 200


def test_pages_travel_packed(served: Any) -> None:
    """Who takes gzip gets it, with another tag than who doesn't; both hold the same page."""
    packed = served.ask("/reviews/slow-checkout/", headers={"Accept-Encoding": "gzip, br"})
    plain = served.ask("/reviews/slow-checkout/")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/", "/reviews/slow-checkout/", "/static/style.css", "/healthz", "/nothing"])
def test_head_is_get_without_the_body(served: Any, path: str) -> None:
    """HEAD says the same and sends nothing."""
    got, head = served.ask(path), served.ask(path, "HEAD")
    assert head.status == got.status
    assert head.body == b""
    assert head.headers.get("content-length") == str(len(got.body))


def test_addresses_of_reviews(served: Any) -> None:
    """The newest version, a given one, one without its last slash, and one that isn't there."""
    assert "four minutes" in served.ask("/reviews/slow-checkout/").text
    assert "at first" in served.ask("/reviews/slow-checkout/20230129T100000.000000Z/").text
    moved = served.ask("/reviews/slow-checkout")
    assert (moved.status, moved.headers["location"]) == (308, "/reviews/slow-checkout/")
    assert served.ask("/reviews/slow-checkout/20230101T100000.000000Z/").status == 404
    missing = served.ask("/reviews/fast-checkout/")
    assert missing.status == 404
    assert "no such review" in missing.text
    assert "All reviews" in served.ask("/").text


def test_a_file_with_its_hash_in_its_address_is_kept_for_ever(served: Any) -> None:
    """The page names files by their content, so a browser never asks for them again; without the hash it does."""
    import re

    text = served.ask("/reviews/slow-checkout/").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert addresses
    for address in (one for one in addresses if "?v=" in one):
        got = served.ask(address)
        assert got.status == 200, address
        assert "immutable" in got.headers["cache-control"], address
        assert served.ask(address.partition("?")[0]).headers["cache-control"] == "no-cache"
        assert served.ask(address.partition("?")[0] + "?v=00000000").headers["cache-control"] == "no-cache"


def test_an_empty_desk_says_what_to_do(serve_of: Callable[..., Any], own_desk: Any) -> None:
    """Before anything is published the home page is no error, and it shows the first review once there is one."""
    served = serve_of(root=own_desk.root)
    first = served.ask("/")
    assert first.status == 200
    assert "workbench review" in first.text
    own_desk.publish("_home", "index", "# All reviews")
    assert "All reviews" in served.ask("/").text
