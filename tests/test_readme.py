"""README and docs/settings.md agree with the code: settings, commands, and the files that README names."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from consumer import settings
from consumer.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def test_every_setting_is_in_the_table_as_the_code_has_it() -> None:
    expected = [f"| `{name}` | {default} | {description} |" for name, default, description in settings.describe()]
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `DOTHIS_.*$", page, re.MULTILINE)
    assert found == expected, "The table in docs/settings.md should be:\n" + "\n".join(expected)


def test_readme_can_be_read_in_one_sitting() -> None:
    assert len(README.splitlines()) < 250


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", README))
def test_every_link_into_the_tree_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^(?:\$ )?dothis ([a-z]+)", README, re.MULTILINE))))
def test_every_command_shown_exists(command: str) -> None:
    assert command in COMMANDS
