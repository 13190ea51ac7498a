"""The migrations lead to exactly the tables the code knows."""

import pytest
from alembic.script import ScriptDirectory
from pytest_alembic.config import Config
from pytest_alembic.runner import runner
from pytest_alembic.tests import default

from workbench.record import revisions
from workbench.record.database import Database


@pytest.fixture
def migrations(tmp_path):
    """The migrations over an empty file, with the engine and the configuration the workbench itself uses."""
    (tmp_path / "empty.db").touch()
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with runner(config=Config.from_raw_config(revisions.config()), engine=database.engine) as context:
        yield context
    database.close()


@pytest.mark.parametrize(
    "check",
    [
        default.test_single_head_revision,
        default.test_upgrade,
        default.test_model_definitions_match_ddl,
        default.test_up_down_consistency,
    ],
    ids=lambda check: check.__name__,
)
def test_the_migrations_are_sound(migrations, check):
    """There is one head, it is reached from nothing, its tables are the code's, and each step can be taken back."""
    check(migrations)


def test_the_revisions_in_the_code_are_those_in_the_folder():
    """The list that spares Alembic's import names every migration there is, in order."""
    script = ScriptDirectory.from_config(revisions.config())
    assert [one.revision for one in reversed(list(script.walk_revisions()))] == list(revisions.REVISIONS)
    assert script.get_current_head() == revisions.HEAD


def test_the_templates_of_new_migrations_work(tmp_path, monkeypatch):
    """A developer's next migration is made by Alembic from our template."""
    import shutil
    from pathlib import Path

    from alembic import command
    from alembic.config import Config

    shutil.copytree(Path(revisions.__file__).parent / "migrations", tmp_path / "migrations")
    config = Config()
    config.set_main_option("script_location", str(tmp_path / "migrations"))
    config.set_main_option("path_separator", "os")
    made = command.revision(config, message="A new column", rev_id="0002")
    compile(Path(made.path).read_text(encoding="utf-8"), made.path, "exec")
