"""From the name of a measure in an exercise file, with its parameters, to the function."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from feedback.checks.measures import MEASURES
from feedback.checks.take import Take
from feedback.errors import nearest
from pose.motion import Floats

Measure = Callable[[Take], Floats]
"""(n,) values of a take; NaN where there is none."""


def resolve(reference: str | Mapping[str, Any]) -> Measure:
    """Get the measure that an exercise file names.

    Args:
        reference: a name, or a mapping of `name` and parameters.

    Raises:
        ValueError: there is no such measure, or the measure has no such parameter; the message names the nearest one.
    """
    given = {"name": reference} if isinstance(reference, str) else reference
    name = given.get("name") if isinstance(given, Mapping) else None
    if not isinstance(name, str):
        raise ValueError("a measure is a name, or a mapping of name and parameters")  # noqa: TRY004 - as pydantic wants it
    parameters = {key: value for key, value in given.items() if key != "name"}
    if name not in MEASURES:
        raise ValueError(f"there is no measure {name!r}{nearest(name, MEASURES)}")
    model = parameters_of(name)
    try:
        valid = model.model_validate(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = str(first["loc"][0])
        hint = nearest(wrong, model.model_fields) if first["type"] == "extra_forbidden" else ""
        raise ValueError(f"measure {name}, parameter {wrong!r}: {first['msg']}{hint}") from error
    return partial(MEASURES[name], **dict(valid))


@cache
def parameters_of(name: str) -> type[BaseModel]:
    """A model of a measure's parameters."""
    function = MEASURES[name]
    types = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        key: (types[key], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for key, parameter in list(inspect.signature(function).parameters.items())[1:]
    }
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)
