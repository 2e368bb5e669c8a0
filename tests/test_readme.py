"""README says what the code does: its settings table, its commands, the files it points to."""

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
    found = re.findall(r"^\| `DOTHIS_.*$", README, re.MULTILINE)
    assert found == expected, "README's settings table should be:\n" + "\n".join(expected)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:|#)([^)#]+)\)", README))
def test_every_link_into_the_tree_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^(?:\$ )?dothis ([a-z]+)", README, re.MULTILINE))))
def test_every_command_shown_exists(command: str) -> None:
    assert command in COMMANDS
