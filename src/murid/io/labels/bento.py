"""Bento ``.annot`` text: per channel and class a table of start, stop, duration."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from murid.data.errors import Faults
from murid.data.labels import Labels
from murid.io.files import Head, read_text, resolve_fps
from murid.io.labels._build import build_labels
from murid.io.registry import label_reader


def _is_bento(head: Head) -> bool:
    return head.text.lstrip().lower().startswith("bento annotation file")


@label_reader("bento", (".annot",), sniff=_is_bento, fps="stated", about="Bento annotation text, several channels")
def read_bento(path: Path, *, fps: float | None = None, duration_s: float | None = None) -> Labels:
    """Read a Bento annotation file.

    Parameters
    ----------
    path : path
        ``.annot`` text.
    fps : float, optional
        Frames/s; the file states it.
    duration_s : float, optional
        Length of the recording; else the annotated range of the header.

    Returns
    -------
    Labels
        One stream per channel; classes of one channel may overlap.

    Notes
    -----
    Frames are 1-based and inclusive. When any start or stop has a decimal point, all of them are
    seconds, and mean frame / fps: the header's words "frame" and "time" are not reliable.
    """
    faults = Faults(str(path))
    lines = read_text(path).split("\n")
    header = _header(lines)
    rate = resolve_fps(path, fps, _float(header.get("annotation framerate", "")), "Bento")
    rows, streams = _rows(lines, faults)
    if not rows and not streams:
        faults.add("no channels", expected="a line like 'Ch1----------'", todo="the file is cut off")
    faults.raise_if_any()
    seconds = any("." in a or "." in b for a, b, *_ in rows)
    scale = rate if seconds else 1.0
    table = []
    for start, stop, label, stream, number in rows:
        first, last = round(float(start) * scale), round(float(stop) * scale)
        if last < first:
            faults.add("bout stops before it starts", where=f"line {number} ({label})", got=f"{start}-{stop}")
        table.append((max(first - 1, 0) / rate, last / rate, label, stream))
    faults.raise_if_any()
    bouts = pd.DataFrame(table, columns=["start_s", "stop_s", "label", "stream"])
    spans = _range(header, rate)
    scored = (
        None
        if spans is None
        else pd.DataFrame([(*spans, "", s) for s in streams], columns=["start_s", "stop_s", "rater", "stream"])
    )
    return build_labels(
        bouts,
        path=path,
        fps=rate,
        duration_s=duration_s,
        scored=scored,
        vocabulary=_listed(lines, "list of annotations") or tuple(dict.fromkeys(bouts["label"])),
    )


def _header(lines: list[str]) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in lines[:40] if ":" in line)
    return {k.strip().lower(): v.strip() for k, v in pairs}


def _listed(lines: list[str], title: str) -> list[str]:
    """Lines under ``<title>:`` up to the next empty one."""
    out: list[str] = []
    inside = False
    for line in lines:
        if inside and not line.strip():
            break
        if inside:
            out.append(line.strip())
        inside = inside or line.strip().lower().startswith(title)
    return out


def _rows(lines: list[str], faults: Faults) -> tuple[list[tuple[str, str, str, str, int]], list[str]]:
    rows, streams, stream, label = [], [], "", ""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.endswith("-----"):
            stream, label = text.rstrip("-").strip(), ""
            streams.append(stream)
        elif stream and text.startswith(">"):
            label = text[1:].strip()
        elif stream and label and text and not text.lower().startswith("start"):
            cells = text.split()
            if len(cells) < 2 or _float(cells[0]) is None or _float(cells[1]) is None:
                faults.add(
                    "row is not complete",
                    where=f"line {number} ({label})",
                    expected="start stop duration",
                    got=text,
                    todo="the file is cut off or damaged here",
                )
            else:
                rows.append((cells[0], cells[1], label, stream, number))
    return rows, streams


def _range(header: dict[str, str], rate: float) -> tuple[float, float] | None:
    """Annotated range in seconds; None when the header does not give one."""
    start = next((v for k, v in header.items() if k.startswith("annotation start")), "")
    stop = next((v for k, v in header.items() if k.startswith("annotation stop")), "")
    a, b = _float(start), _float(stop)
    if a is None or b is None or b <= a:
        return None
    scale = 1.0 if "." in start + stop else 1.0 / rate
    return max(a * scale - 1.0 / rate, 0.0), b * scale


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
