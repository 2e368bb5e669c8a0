"""One file per exercise, found by itself: adding an exercise touches nothing else here."""

import pkgutil
from importlib import import_module

from feedback.catalogue import Exercise

CATALOGUE: dict[str, Exercise] = {
    module.name: import_module(f"{__name__}.{module.name}").EXERCISE for module in pkgutil.iter_modules(__path__)
}
"""Every exercise by its id, which is also its file's name."""
