"""The capture page finds its incident, offers others, shows what is saved, and knows who saves."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import widgets
from workbench.record import IncidentDraft, TimelineEntryDraft
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "capture.ipynb"


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page's address is in the environment unless a test puts one there."""
    for name in ("QUERY_STRING", "VOILA_PREHEAT", "VOILA_KERNEL_ID"):
        monkeypatch.delenv(name, raising=False)


def told(desk: widgets.Capture) -> str:
    """Return the words at the head of the page."""
    return " ".join(child.value for child in desk.header().children)


def test_the_incident_is_told_with_what_is_saved(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Severity, title, times with their zone, how much is saved, and who is writing."""
    monkeypatch.setenv("WORKBENCH_AUTHOR", "Mira")
    desk = widgets.capture("slow-checkout", str(workspace.root))
    head = told(desk)
    for words in ("SEV2", "Checkout is slow", "29\u00a0Jan\u00a02023, 09:12:56 to 09:16:00", "UTC", "you are Mira"):
        assert words in head
    assert "no entries and no actions saved" in head


def test_the_parts_work_together(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is marked on the chart stands in the form; what is saved stands at the head and in the record."""
    monkeypatch.setenv("WORKBENCH_AUTHOR", "Mira")
    desk = widgets.capture("slow-checkout", str(workspace.root))
    desk.header()
    desk.timeline()
    desk.actions()
    assert desk.chart is not None
    assert desk.entries is not None
    desk.chart.plot.selection = desk.chart.plot.lines[0]["times"][3:5]
    assert desk.entries.fields["until"].text != ""
    for name, text in {"what": "It moved", "who": "CPU series", "kind": "observation"}.items():
        desk.entries.fields[name].text = text
    marked = desk.chart.selection
    assert marked is not None
    desk.entries.save_button.click()
    assert desk.chart.selection is None
    assert desk.chart.plot.selection == []
    with workspace.record(read_only=True) as record:
        saved = record.entries("slow-checkout")[0]
    assert saved.created_by == "Mira"
    assert saved.evidence == (marked.citation,)
    assert "1 entry and no actions saved, last at" in desk._told.value


def test_a_colleagues_save_is_counted_at_the_head(workspace: Workspace) -> None:
    """The head of the page follows the record."""
    desk = widgets.capture("slow-checkout", str(workspace.root))
    assert "no entries" in told(desk)
    with workspace.record(author="Food on-call") as record:
        entry = {"at": "2023-01-29T09:13:00Z", "what": "Seen", "who": "Food on-call", "kind": "detection"}
        record.add_entry("slow-checkout", TimelineEntryDraft.of(entry))
    assert desk._watch is not None
    assert desk._watch.look()
    assert "1 entry and no actions saved" in desk._told.value


def test_the_address_names_the_incident(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes before the parameter; who saves never comes from it."""
    monkeypatch.setenv("QUERY_STRING", "incident=slow-checkout&author=boss&WORKBENCH_AUTHOR=boss")
    monkeypatch.setenv("WORKBENCH_AUTHOR", "Mira")
    desk = widgets.capture("other", str(workspace.root))
    assert desk.incident is not None
    assert "you are Mira" in told(desk)


def test_without_an_incident_one_is_chosen(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a browser by a link, in JupyterLab by its id; the other parts say to choose first."""
    desk = widgets.capture("", str(workspace.root))
    assert "Choose an incident" in told(desk)
    assert "Write its id into the first cell" in told(desk)
    assert "Choose an incident first" in desk.timeline().value
    assert "Choose an incident first" in desk.actions().value
    monkeypatch.setenv("VOILA_KERNEL_ID", "k")
    assert '<a href="?incident=slow-checkout">Checkout is slow</a>' in told(desk)


def test_an_unknown_incident_is_named_and_others_offered(workspace: Workspace) -> None:
    """The page says which incidents are near, and offers all."""
    desk = widgets.capture("slow-chekout", str(workspace.root))
    head = told(desk)
    assert "There is no incident" in head
    assert "Did you mean slow-checkout?" in head
    assert "Choose an incident" in head


def test_a_missing_workspace_is_told_in_words(tmp_path: Path) -> None:
    """Nothing raises; every part is there."""
    desk = widgets.capture("slow-checkout", str(tmp_path))
    assert "wb-callout--fails" in told(desk)
    desk.timeline()
    desk.actions()


def test_without_pinned_evidence_the_form_still_works(tmp_path: Path) -> None:
    """The page says why there is no chart."""
    workspace = Workspace.create(tmp_path / "new")
    with workspace.record(author="Mira") as record:
        record.add_incident(
            IncidentDraft(id="new", title="New", severity="SEV4", milestones={"started_at": "2026-11-23T10:00:00Z"})
        )
    desk = widgets.capture("new", str(workspace.root))
    parts = desk.timeline().children
    assert "Nothing is pinned" in parts[0].value or "nothing is pinned" in parts[0].value
    assert desk.entries is not None
    assert "still going on" in told(desk)


def test_a_chart_that_can_not_be_made_takes_nothing_else_with_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form is there, and the page says in words that something failed."""
    monkeypatch.setattr("widgets.brush.Series", lambda _: 1 / 0)
    desk = widgets.capture("slow-checkout", str(workspace.root))
    parts = desk.timeline().children
    assert "That did not work" in parts[0].value
    assert desk.entries is not None


def test_a_failure_stands_in_the_workspaces_log(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows a number, the file has the rest."""
    desk = widgets.capture("slow-checkout", str(workspace.root))
    desk.actions()
    assert desk.deeds is not None
    monkeypatch.setattr(desk.deeds, "store", lambda _: 1 / 0)
    for name, text in {
        "title": "t", "owner": "o", "due": "2026-12-23", "kind": "detect", "success_metric": "m",
    }.items():  # fmt: skip
        desk.deeds.fields[name].text = text
    desk.deeds.save_button.click()
    number = desk.deeds.callout.value.split("the number ")[1][:8]
    written = (workspace.root / "logs" / "forms.log").read_text(encoding="utf-8")
    assert number in written
    assert "ZeroDivisionError" in written


def test_a_servers_kernel_says_a_failure_to_the_servers_log(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its stderr goes there, and no file is made in the workspace."""
    monkeypatch.setenv("WORKBENCH_SCRATCH", "/nowhere")
    desk = widgets.capture("slow-checkout", str(workspace.root))
    desk.timeline()
    assert desk.entries is not None
    monkeypatch.setattr(desk.entries, "save", lambda: 1 / 0)
    desk.entries.save_button.click()
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not (workspace.root / "logs").exists()


def test_the_notebook_is_clean_and_short() -> None:
    """No outputs, references only as parameters, and a sentence above every cell that calls one function."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["parameters"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell in code[1:]:
            assert before.cell_type == "markdown"
            assert len(cell.source.splitlines()) <= 4


def test_the_notebook_runs_on_real_data(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom in a kernel of its own, as in JupyterLab, without an error or a word on stderr."""
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells[1].source = f'incident = "slow-checkout"\nworkspace = {str(workspace.root)!r}'
    done = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(workspace.root)}}).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert [output.output_type for output in outputs] == ["execute_result"] * 5
    state = done.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    drawn = [one["state"]["lines"] for one in state if "lines" in one["state"]]
    assert len(drawn) == 1
    assert drawn[0]
