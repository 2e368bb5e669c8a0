"""What a test needs and this machine lacks: said and skipped on a developer's machine, a failure in CI."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """End the test, or all that use the fixture.

    Args:
        what: what is missing, and how to get it.
    """
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
