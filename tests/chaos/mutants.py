"""Videos with flipped bytes, cut short, and with boxes swapped, read in the sandbox as the daemon would."""

import random
import time
from collections import Counter
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from consumer.analysis import PRELOAD, VIDEO
from consumer.confine import Confinement
from consumer.errors import JobError
from consumer.sandbox import Crashed, Defect, Sandbox, TimedOut
from pose import Limits
from pose import model as models
from tests.chaos.ground import Ground
from tests.chaos.report import Report, say
from tests.work import ROOT

SAMPLE = ROOT / "consumer" / "sample.mp4"
FRAMES, RATE, WIDTH, HEIGHT = 12, 10, 192, 144
LIMIT_S = 60.0
MEMORY = 4_000_000_000


def videos(ground: Ground, report: Report, *, count: int) -> None:
    """Each is read, or refused with a code; none takes the fork server along, hangs, or needs more memory than it may."""
    rng = random.Random(report.seed)
    source, target = ground.data_dir / "source", ground.data_dir / "target"
    source.mkdir()
    target.mkdir()
    original = small_video(ground.data_dir / "small.mp4")
    sandbox = Sandbox(PRELOAD, scratch=ground.data_dir / "cache")
    ended: Counter[str] = Counter()
    slowest = 0.0
    try:
        for _ in range(count):
            (source / VIDEO).write_bytes(mutate(original, rng))
            started = time.monotonic()
            ended[_read(sandbox, source, target)] += 1
            slowest = max(slowest, time.monotonic() - started)
            if ended.total() % 200 == 0:
                say(f"    {ended.total()} of {count}: {dict(ended)}")
        report.figure("mutated videos", ended.total(), count)
        report.figure("  hangs", ended["timed_out"], 0)
        report.figure("  defects", ended["internal"], 0)
        report.figure("  a child that crashed, alone", ended["analysis_crashed"])
        report.figure("  slowest, s", round(slowest, 1))
        report.figure("  ended", dict(ended))
    finally:
        sandbox.close()


def _read(sandbox: Sandbox, source: Path, target: Path) -> str:
    model = models.find("full").path
    arguments: dict[str, Any] = {"source": str(source), "target": str(target), "model": str(model), "reference": False}
    arguments |= {"workers": 1, "limits": asdict(Limits())}
    confinement = Confinement(str(target), [str(source), str(model)], MEMORY, int(LIMIT_S), 100_000_000)
    log = target.with_name("child.log")
    try:
        sandbox.run("consumer.analysis:analyse", arguments, confinement, timeout_s=LIMIT_S, log=log)
    except JobError as error:
        return str(error.code)
    except TimedOut:
        return "timed_out"
    except Crashed:
        return "analysis_crashed"
    except Defect as error:
        say(f"    {str(error).strip().splitlines()[-1]}")
        return "internal"
    return "read"


def mutate(original: bytes, rng: random.Random) -> bytes:
    """One kind of damage, or several."""
    mutated = bytearray(original)
    for _ in range(rng.randint(1, 3)):
        match rng.randrange(5):
            case 0:
                for _ in range(rng.choice([1, 10, 100])):
                    mutated[rng.randrange(len(mutated))] ^= 1 << rng.randrange(8)
            case 1:
                del mutated[rng.randrange(1, len(mutated)) :]
            case 2:
                start = rng.randrange(len(mutated))
                mutated[start : start + rng.randrange(200)] = rng.randbytes(rng.randrange(200))
            case 3:
                _swap_boxes(mutated, rng)
            case _:
                # In the header: sizes, counts and offsets lie there.
                moov = max(mutated.find(b"moov"), 0)
                at = moov + rng.randrange(max(min(len(mutated) - moov - 4, 700), 1))
                extremes = [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", rng.randbytes(4)]
                mutated[at : at + 4] = rng.choice(extremes)
        if len(mutated) < 16:
            break
    return bytes(mutated)


def _swap_boxes(mutated: bytearray, rng: random.Random) -> None:
    names = [b"moov", b"mdat", b"trak", b"stbl", b"stco", b"stsz", b"stts", b"ctts", b"avcC", b"tkhd", b"mdhd"]
    one, other = rng.sample(names, 2)
    first, second = mutated.find(one), mutated.find(other)
    if first >= 0 and second >= 0:
        mutated[first : first + 4], mutated[second : second + 4] = other, one


def small_video(to: Path) -> bytes:
    """The first frames of the sample, made small, so that reading costs little."""
    with av.open(str(SAMPLE)) as source, av.open(str(to), "w") as made:
        stream = made.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number == FRAMES:
                break
            small = frame.reformat(WIDTH, HEIGHT, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, RATE)
            made.mux(stream.encode(small))
        made.mux(stream.encode(None))
    return to.read_bytes()
