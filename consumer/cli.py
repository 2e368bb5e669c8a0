"""`dothis`: the commands. Here are only their names, options and help; each one's work lies in consumer/commands.

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
        Path | None, typer.Option("--out", help="Where the files go; by default VIDEO's name with _feedback.")
    ] = None,
    no_video: Annotated[bool, typer.Option("--no-video", help="Leave the annotated video out.")] = False,
    json: JsonOption = False,
) -> None:
    """Analyse one file: a report and pictures out, nothing else needed.

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
    """The daemon: waits for jobs and does them."""
    from consumer.commands import daemon as command  # noqa: PLC0415

    command.run()


@app.command()
def shim() -> None:
    """The older HTTP interface."""
    from consumer.commands import shim as command  # noqa: PLC0415

    command.run()


@app.command()
def up(web: Annotated[bool, typer.Option("--web", help="Also serve the web client and a small upload API.")] = False) -> None:
    """Daemon and older HTTP interface together."""
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
    owner: Annotated[str, typer.Option("--owner", help="Whose video it is: a user's uid.")] = "cli",
    out: Annotated[Path | None, typer.Option("--out", help="Fetch the results into this directory.")] = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the result; the job goes on.", min=1)] = 3600,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Only submit; print the job's id.")] = False,
    json: JsonOption = False,
) -> None:
    """Act as the app: upload a video, write the document, wait, show progress and the result."""
    from consumer.app import Request  # noqa: PLC0415
    from consumer.commands import submit as command  # noqa: PLC0415

    request = Request(video, exercise=exercise, reference=reference, language=language, owner=owner)
    command.run(request, out=out, timeout_s=timeout, wait=not no_wait, json=json)


@jobs_app.command("list")
def jobs_list(
    status: Annotated[str | None, typer.Option("--status", help="Only those of this status.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only those of this owner.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, newest first.", min=1, max=1000)] = 20,
    json: JsonOption = False,
) -> None:
    """The newest jobs."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.list_jobs(status=status, owner=owner, limit=limit, json=json)


@jobs_app.command("show")
def jobs_show(job_id: JobArgument, json: JsonOption = False) -> None:
    """Everything that a job's document says."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.show(job_id, json=json)


@jobs_app.command("retry")
def jobs_retry(job_id: JobArgument, json: JsonOption = False) -> None:
    """Try a failed or cancelled job again, with all attempts."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.retry(job_id, json=json)


@jobs_app.command("cancel")
def jobs_cancel(job_id: JobArgument, json: JsonOption = False) -> None:
    """Ask for a job to be cancelled."""
    from consumer.commands import jobs as command  # noqa: PLC0415

    command.cancel(job_id, json=json)


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option("--out", help="Copy the results into this directory.")] = None,
) -> None:
    """The whole path with a bundled sample, from upload to result."""
    from consumer.commands import demo as command  # noqa: PLC0415

    command.run(out=out)


@app.command()
def doctor(json: JsonOption = False) -> None:
    """Check settings, stores, volume, model and sandbox; say what to mend."""
    from consumer.commands import doctor as command  # noqa: PLC0415

    command.run(json=json)


@app.command()
def exercises(
    check: Annotated[Path | None, typer.Option("--check", help="Say whether this exercise file is right.")] = None,
    json: JsonOption = False,
) -> None:
    """The catalogue: exercises, the views they need, their checks with thresholds and sources."""
    from consumer.commands import exercises as command  # noqa: PLC0415

    command.run(file=check, json=json)


@app.command()
def learn(
    *,
    video: Annotated[Path, typer.Argument(help="The reference: one or more repetitions of one movement.")],
    id_: Annotated[str, typer.Option("--id", help="Small letters, digits, _ and -; also the file's name.")],
    name: Annotated[str, typer.Option("--name", help="What people call it, in English.")],
    name_ko: Annotated[str | None, typer.Option("--name-ko", help="And in Korean.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The directory to write to, such as that of DOTHIS_EXERCISES.")] = Path(),
    check_on: Annotated[
        list[Path] | None, typer.Option("--check-on", help="Another video in which the file should count; may be repeated.")
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
    """Copy the embedded backend's documents and objects, while daemons work."""
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
    # A terminal or a file in Latin-1 has no letters for Korean: a question mark costs less than the whole analysis.
    sys.stdout.reconfigure(errors="replace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE}:
            raise
        # What is still in the buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"dothis: the output cannot be written: {error.strerror}.")
    finally:
        # The interpreter's last garbage collections would walk every object of the libraries: a quarter of a second of CPU.
        gc.freeze()


if __name__ == "__main__":
    main()
