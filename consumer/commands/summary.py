"""Prints a result on a terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from consumer.catalogue import Catalogue
from consumer.commands.console import out
from feedback.exercises.reserved import name_of
from feedback.words import N_, words_of


def show(report: Mapping[str, Any], language: str) -> None:
    """Print a report: exercise, repetitions and advice."""
    name = report["exercise"]["name"]
    show_result(
        name=name,
        reps=report["reps"]["total"],
        good=report["reps"]["good"],
        hold=report["hold"],
        score=report["score"],
        summary=report["summary"],
        faults=report["faults"],
        language=language,
    )
    if report["similarity"] is not None:
        words = words_of(language)
        value = words.quantity(100 * report["similarity"]["overall"], "%")
        out.print(f"  {escape(words(N_('Similarity to the reference: {value}'), value=value))}")
    for item in report["notAssessed"]:
        out.print(f"  [dim]?[/] {escape(item['title'])}: [dim]{escape(item['reason'])}[/]", soft_wrap=True)
    for warning in report["warnings"]:
        out.print(f"  [yellow]![/] {escape(warning['message'])}", soft_wrap=True)


def show_document(result: Mapping[str, Any], language: str, catalogue: Catalogue) -> None:
    """Print a document's `result` in the same form."""
    show_result(
        name=name_of(words_of(language), result["exercise"], catalogue.exercises),
        reps=result["reps"],
        good=result["goodReps"],
        hold=result["hold"],
        score=result["score"],
        summary=result["summary"],
        faults=result["faults"],
        language=language,
    )
    for warning in result["warnings"]:
        out.print(f"  [yellow]![/] {escape(warning['message'])}", soft_wrap=True)


def show_result(
    *,
    name: str,
    reps: int,
    good: int,
    hold: Mapping[str, Any] | None,
    score: int | None,
    summary: str,
    faults: list[Mapping[str, Any]],
    language: str,
) -> None:
    """Print the part that a report and a document's `result` have in common."""
    words = words_of(language)
    if hold and score is not None:
        held, held_well = (words.quantity(hold[key], "s") for key in ("durationS", "goodS"))
        figures = words(N_("{held}, of these {good} good"), held=held, good=held_well)
    elif hold:
        figures = words.quantity(hold["durationS"], "s")
    elif score is None:
        # The form was not judged, so no repetition is called good or bad.
        figures = words.plural("{n} repetition", "{n} repetitions", reps)
    else:
        figures = words.plural("{n} repetition, {good} good", "{n} repetitions, {good} good", reps, good=words.number(good))
    scored = "" if score is None else ", " + words(N_("score {score} of 100"), score=score)
    out.print(f"[bold]{escape(name)}[/]: {escape(figures + scored)}")
    out.print(escape(summary), soft_wrap=True)
    for fault in faults:
        where = f" ({words.rep_numbers(fault['reps'])})" if fault["reps"] else ""
        out.print(f"  [red]✗[/] {escape(fault['title'])}{where}: {escape(fault['advice'])}", soft_wrap=True)


def show_place(directory: Path | str | None, language: str) -> None:
    """Print where the files are."""
    if directory is not None:
        out.print(words_of(language)(N_("Results: {place}"), place=directory), markup=False, soft_wrap=True)
