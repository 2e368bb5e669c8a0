"""From the figures of speed to tables and lines. Targets stand beside what they are for."""

from typing import Any

from rich.table import Table

Figures = dict[str, Any]

STEPS = ("load", "decode", "convert", "infer", "rest")
MEGABYTE = 1e6


def whole_table(figures: Figures) -> Table | None:
    """What a person waits for, with everything on, clip by clip; None without such figures."""
    whole, answers = figures.get("whole", {}), figures.get("answers", {})
    if not whole and not answers:
        return None
    table = Table(
        "clip", "wall", "CPU", "ours (s)", "memory (MB)", "counted", "to `result`", "to `done`", title="the whole job"
    )
    table.caption = (
        "loop that reads, infers, draws and writes a video / ours; median (least to most)."
        " Cold `dothis analyze`: wall at least 2.6, CPU 1.9; warm daemon, from the document: `result` 4, `done` 3"
    )
    for name in whole or answers:
        cells = [""] * 5
        if name in whole:
            row = whole[name]
            ratios, ours = row["ratios"], row["ratios"].ours
            counted = f"{', '.join(map(str, sorted(set(row['counted']), key=str)))} of {row['true']}"
            memory = f"{row['peak_bytes'] / MEGABYTE:.0f}"
            cells = [ratios.wall.text(), ratios.cpu.text(), f"{ours.wall_s:.2f} / {ours.cpu_s:.2f}", memory, counted]
        waits = [answers[name][key].text() for key in ("result", "done")] if name in answers else ["", ""]
        table.add_row(name, *cells, *waits)
    return table


def ratio_table(figures: Figures) -> Table | None:
    """Plain loop / ours, clip by clip; None without such figures."""
    rows = [(name, row) for name, row in figures.get("warm", {}).items()]
    if "cold" in figures:
        rows.append((f"{figures['cold']['clip']}, cold", figures["cold"]))
    if not rows:
        return None
    table = Table(
        "clip",
        "wall",
        "CPU",
        "plain (s)",
        "ours (s)",
        "samples/s",
        "counted",
        title="plain loop / ours, all cores: the analysis alone, without pictures and video",
    )
    table.caption = "median (least to most); seconds are wall / CPU. Warm: wall at least 5, CPU 2.8; cold: wall 3.5"
    for name, row in rows:
        ratios = row["ratios"]
        counted = sorted(set(row["counted"]), key=str)
        table.add_row(
            name,
            ratios.wall.text(),
            ratios.cpu.text(),
            f"{ratios.plain.wall_s:.2f} / {ratios.plain.cpu_s:.2f}",
            f"{ratios.ours.wall_s:.2f} / {ratios.ours.cpu_s:.2f}",
            f"{row['rate']:.1f}" if "rate" in row else "",
            f"{', '.join(map(str, counted))} of {row['true']}",
        )
        if "single" in row:
            table.add_row(
                "  one worker",
                row["single"].wall.text(),
                row["single"].cpu.text(),
                "",
                f"{row['single'].ours.wall_s:.2f} / {row['single'].ours.cpu_s:.2f}",
            )
    return table


def step_table(figures: Figures) -> Table | None:
    """Where the time of one worker goes, in seconds."""
    rows = figures.get("warm")
    if not rows:
        return None
    table = Table("clip", "", *STEPS, title="where the time goes (s, one worker)")
    for name, row in rows.items():
        for side, steps in row["steps"].items():
            cells = [f"{steps[step]:.2f}" if step in steps else "" for step in STEPS]
            table.add_row(name if side == "plain" else "", side, *cells, end_section=side == "ours")
    return table


def lines(figures: Figures) -> list[str]:
    """One for each figure that is no table's."""
    found = []
    if "cold" in figures:
        found.append(
            f"cold: `dothis --help` {figures['cold']['help_s'].text()} s (at most 0.3),"
            f" `dothis analyze` on 2 s of video {figures['cold']['brief_s'].text()} s (at most 4)"
        )
        found.append(f"memory of `dothis analyze`: {figures['cold']['peak_bytes'] / MEGABYTE:.0f} MB (at most 600)")
    if "annotated" in figures:
        part = figures["annotated"]
        found.append(
            f"annotated video on / off, CPU: {part['cpu'].text()} (at most 2);"
            f" {part['on'].cpu_s:.1f} and {part['off'].cpu_s:.1f} s, memory {part['peak_bytes'] / MEGABYTE:.0f} MB"
        )
    if "length" in figures:
        part = figures["length"]
        found.append(
            f"600 s / {part['clip']}, cost of a second: CPU {part['cpu']:.2f}, wall {part['wall']:.2f} (at most 1.1);"
            f" {part['long'].cpu_s:.3f} and {part['short'].cpu_s:.3f} s CPU"
        )
        found.append(f"600 s / 30 s, memory: {part['memory']:.2f} (at most 1.1)")
    if "daemon" in figures:
        part = figures["daemon"]
        found.append(
            f"jobs per minute: one worker {part['one'].per_minute:.1f}, two {part['two'].per_minute:.1f},"
            f" ratio {part['ratio']:.2f} (at least 1.8)"
        )
        found.append(f"memory of a daemon with two workers: {part['two'].peak_bytes / MEGABYTE:.0f} MB (at most 1000)")
    if "overhead" in figures:
        found.append(f"claim to done without the analysis: {figures['overhead']['seconds'].text(3)} s (at most 0.25)")
    return found
