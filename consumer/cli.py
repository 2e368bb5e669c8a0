"""The command `dothis`: names, options and help of its commands. consumer/commands has their code.

Exit codes: 0 fine, 1 failed, with a sentence on stderr (with `--json` also `{"error": {code, message}}` on stdout), 2 wrong
usage. Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

import errno
import gc
import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="dothis",
    help="Analyses workout videos and answers like a good coach.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
jobs_app = typer.Typer(help="See and steer jobs: list, show, retry, cancel.", no_args_is_help=True)
app.add_typer(jobs_app, name="jobs")

VideoArgument = Annotated[Path, typer.Argument(help="A video file.", metavar="VIDEO", show_default=False)]
ExerciseOption = Annotated[str | None, typer.Option("--exercise", help="Its id; without it the exercise is recognised.")]
LanguageOption = Annotated[str, typer.Option("--language", help="Language of the feedback, such as en or ko.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout, nothing else.")]
JobArgument = Annotated[str, typer.Argument(help="The job's id.", metavar="ID", show_default=False)]


@app.command()
def analyze(
    video: VideoArgument,
    *,
    exercise: ExerciseOption = None,
    reference: Annotated[Path | None, typer.Option("--reference", help="A video to compare with.")] = None,
    language: LanguageOption = "en",
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory of the files; by default VIDEO's name with _feedback.")
    ] = None,
    no_video: Annotated[bool, typer.Option("--no-video", help="Make no annotated video.")] = False,
    json: JsonOption = False,
) -> None:
    """Analyse one file, without a store or a daemon, and write a report and pictures.

    With --json the report is printed; files are then only written where --out says.
    """
    from consumer.commands import analyze as command  # noqa: PLC0415

    command.run(
        video,
        exercise=exercise,
        reference=reference,
        language=language,
        out=out,
        annotated_video=False if no_video else None,
        json=json,
    )


@app.command()
def run() -> None:
    """Run the daemon, which waits for jobs and works on them."""
    from consumer.commands import daemon as command  # noqa: PLC0415

    command.run()


@app.command()
def shim() -> None:
    """Run the older HTTP interface."""
    from consumer.commands import shim as command  # noqa: PLC0415

    command.run()


@app.command()
def up(web: Annotated[bool, typer.Option("--web", help="Also serve the web client and a small upload API.")] = False) -> None:
    """Run daemon and older HTTP interface together."""
    from consumer.commands import up as command  # noqa: PLC0415

    command.run(web=web)


@app.command()
def submit(
    video: VideoArgument,
    *,
    exercise: ExerciseOption = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="A video file to compare with, or an object's path under references/.")
    ] = None,
    language: LanguageOption = "en",
    owner: Annotated[str, typer.Option("--owner", help="The owner of the video: a user's uid.")] = "cli",
    out: Annotated[Path | None, typer.Option("--out", help="Download the results into this directory.")] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for the result. After that the job continues.", min=1)
    ] = 3600,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Only submit the job and print its id.")] = False,
    json: JsonOption = False,
) -> None:
    """Do what the app does: upload a video, write the document, show the progress and the result."""
    from consumer.app import Request  # noqa: PLC0415
    from consumer.commands import submit as command  # noqa: PLC0415

    request = Request(video, exercise=exercise, reference=reference, language=language, owner=owner)
    command.run(request, out=out, timeout_s=timeout, wait=not no_wait, json=json)


@jobs_app.command("list")
def jobs_list(
    status: Annotated[str | None, typer.Option("--status", help="Only jobs of this status.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only jobs of this owner.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Largest number of jobs; the newest come first.", min=1, max=1000)] = 20,
    json: JsonOption = False,
) -> None:
    """List the newest jobs."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.list_jobs(status=status, owner=owner, limit=limit, json=json)


@jobs_app.command("show")
def jobs_show(job_id: JobArgument, json: JsonOption = False) -> None:
    """Show all fields of a job's document."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.show(job_id, json=json)


@jobs_app.command("retry")
def jobs_retry(job_id: JobArgument, json: JsonOption = False) -> None:
    """Start a failed or cancelled job again, with all its attempts."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.retry(job_id, json=json)


@jobs_app.command("cancel")
def jobs_cancel(job_id: JobArgument, json: JsonOption = False) -> None:
    """Cancel a job."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.cancel(job_id, json=json)


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option("--out", help="Copy the results into this directory.")] = None,
) -> None:
    """Run a bundled sample through the whole service, from upload to result."""
    from consumer.commands import demo as command  # noqa: PLC0415

    command.run(out=out)


@app.command()
def doctor(json: JsonOption = False) -> None:
    """Check settings, stores, volume, model and sandbox, and say what to do about each problem."""
    from consumer.commands import doctor as command  # noqa: PLC0415

    command.run(json=json)


@app.command()
def exercises(
    check: Annotated[Path | None, typer.Option("--check", help="Check this exercise file.")] = None,
    json: JsonOption = False,
) -> None:
    """List the exercises, with their views, checks, thresholds and sources."""
    from consumer.commands import exercises as command  # noqa: PLC0415

    command.run(file=check, json=json)


@app.command()
def learn(
    *,
    video: Annotated[Path, typer.Argument(help="The reference: one or more repetitions of one movement.")],
    id_: Annotated[str, typer.Option("--id", help="The id, which is also the file's name: small letters, digits, _ and -.")],
    name: Annotated[str, typer.Option("--name", help="The name in English.")],
    name_ko: Annotated[str | None, typer.Option("--name-ko", help="The name in Korean.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The directory of the new file.")] = Path(),
    check_on: Annotated[
        list[Path] | None,
        typer.Option("--check-on", help="Another video in which to count; may be repeated."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write an exercise file from a reference video, to read, edit and put into DOTHIS_EXERCISES."""
    from consumer.commands import learn as command  # noqa: PLC0415

    names = {"en": name, **({"ko": name_ko} if name_ko else {})}
    command.run(video, id_=id_, names=names, out=out, check_on=check_on or [], json=json)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet.", metavar="DIRECTORY")],
    json: JsonOption = False,
) -> None:
    """Copy the embedded backend's documents and objects. Daemons may go on working."""
    from consumer.commands import backup as command  # noqa: PLC0415

    command.run(target, json=json)


@app.command()
def forget(
    owner: Annotated[str, typer.Argument(help="The user's uid, or an older app's account.", metavar="OWNER")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove a user's documents, uploads, results and remains on this volume."""
    from consumer.commands import forget as command  # noqa: PLC0415

    command.run(owner, yes=yes, json=json)


def main() -> None:
    """The program's entry point."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        sys.exit("dothis: stdout is closed. Direct it to a file, or to /dev/null.")
    # A terminal or a file in Latin-1 has no Korean letters. A question mark is better than losing the analysis.
    sys.stdout.reconfigure(errors="replace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE}:
            raise
        # Text that is still in the buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"dothis: the output cannot be written: {error.strerror}.")
    finally:
        # The interpreter's last garbage collections visit every object of the libraries, which takes a quarter of a second.
        gc.freeze()


if __name__ == "__main__":
    main()
