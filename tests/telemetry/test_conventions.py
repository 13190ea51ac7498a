"""The names that attributes get are OpenTelemetry's, by its own package."""

from __future__ import annotations

import ast
import inspect
import itertools
import pkgutil
import re
from importlib import import_module

import opentelemetry.semconv._incubating.attributes as unstable
import opentelemetry.semconv.attributes as stable
import pytest
from opentelemetry.semconv.schemas import Schemas

import workbench.telemetry.conventions as ours
from workbench.errors import SourceError
from workbench.telemetry.conventions import SEMANTIC, Names


def conventional() -> set[str]:
    """Return every attribute of the semantic conventions that isn't deprecated; its docstring says when it is."""
    names = set()
    for package in (stable, unstable):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            body = ast.parse(inspect.getsource(import_module(found.name))).body
            for one, after in itertools.pairwise(body):
                told = ast.literal_eval(after.value) if isinstance(after, ast.Expr) else ""
                constant = isinstance(one, ast.AnnAssign) and isinstance(one.value, ast.Constant)
                if constant and not re.match(r"\s*Deprecated", str(told)):
                    names.add(ast.literal_eval(one.value))  # type: ignore[union-attr]
    return names


def test_every_name_is_one_of_opentelemetrys() -> None:
    """None is made up, and none is deprecated."""
    known = conventional()
    assert {"service.name", "k8s.pod.name", "http.request.method"} <= known
    assert "http.method" not in known
    assert set(SEMANTIC.values()) - known == set()


def test_the_version_that_is_told_is_the_one_checked_against() -> None:
    """The latest that the installed package knows."""
    latest = list(Schemas)[-1].value.rpartition("/")[2]
    told = re.search(r"checked against (\d+\.\d+)", inspect.getsource(ours))
    assert told
    assert latest.startswith(f"{told[1]}.")


def test_labels_get_their_names_and_hide_none() -> None:
    """What would fall on another's name keeps its own, and the settings say what they like better."""
    labels = {"pod": "a", "pod_name": "b", "service.name": "c", "app": "d", "own": "e"}
    assert Names().rename(labels) == {
        "k8s.pod.name": "a", "pod_name": "b", "service.name": "c", "app": "d", "own": "e",
    }  # fmt: skip
    names, rest = Names.from_settings("shop", {"names": {"pod": "pod", "own": "mine"}, "url": "x"})
    assert rest == {"url": "x"}
    assert names.rename({"pod": "a", "own": "e"}) == {"pod": "a", "mine": "e"}


@pytest.mark.parametrize("table", [3, {"pod": ""}, {"pod": 5}])
def test_names_that_are_none_are_refused(table: object) -> None:
    """By the source's table."""
    with pytest.raises(SourceError, match=r"\[sources\.shop\]"):
        Names.from_settings("shop", {"names": table})
