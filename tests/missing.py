"""Handles a missing program of a test: the test is skipped with a message on a developer's machine, and fails in CI."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, or all tests that use the fixture; in CI fail it.

    Args:
        what: what is missing, and how to get it.
    """
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
