"""What a module brings with it when it is imported: a fork server, a command that answers at once, a daemon without extras."""

import subprocess
import sys

import pytest

from tests.work import ROOT


@pytest.mark.parametrize(
    ("module", "left_out"),
    [
        ("consumer.cli", "consumer.settings"),
        ("consumer.sandbox.forkserver", "consumer.sandbox.supervisor"),
        ("consumer.sandbox.forkserver", "consumer.settings"),
        ("consumer.intake", "grpc"),
        ("consumer.http.tokens", "flask"),
        ("consumer.http.serving", "firebase_admin"),
        ("consumer.commands.submit", "matplotlib"),
    ],
)
def test_a_module_does_not_import_heavy_libraries(module: str, left_out: str) -> None:
    code = f"import sys, {module}; sys.exit({left_out!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
