"""CalMS21 / MARS JSON annotations: one number per frame and a vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.labels import Labels
from murid.data.stretches import runs_of_true
from murid.io.files import Head, choose, resolve_fps
from murid.io.labels._build import build_labels
from murid.io.poses.calms21 import is_calms21, sequences
from murid.io.registry import label_reader


def _has_annotations(head: Head) -> bool:
    # The annotations may lie behind the keypoints, far beyond the head of the file.
    return is_calms21(head)


@label_reader(
    "calms21", (".json", ".json.gz"), sniff=_has_annotations, fps="required", about="CalMS21 / MARS JSON annotations"
)
def read_calms21_labels(
    path: Path, *, fps: float | None = None, duration_s: float | None = None, recording: str | None = None
) -> Labels:
    """Read the annotations of one sequence of a CalMS21 JSON file.

    Parameters
    ----------
    path : path
        JSON, gzip or not.
    fps : float
        Frames/s (30 in CalMS21; not stated in the file).
    duration_s : float, optional
        Length of the recording.
    recording : str, optional
        Sequence to read when the file holds several.

    Returns
    -------
    Labels
        ``exclusive``, one rater per annotator; ``other`` is a label like the rest.
    """
    parts = sequences(path)
    name = choose(path, "sequence", list(parts), recording, "recording")
    rate = resolve_fps(path, fps, None, "CalMS21")
    faults = Faults(f"{path}, sequence '{name}'")
    rows, spans, words = [], [], []
    for annotator, item in parts[name].items():
        codes = np.asarray(item.get("annotations", []))
        vocabulary = {int(v): str(k) for k, v in ((item.get("metadata") or {}).get("vocab") or {}).items()}
        if codes.size == 0:
            faults.add("has no annotations", where=annotator, todo="this set is unlabelled: read_poses reads it")
            continue
        if codes.ndim != 1 or codes.dtype.kind not in "iu":
            faults.add(
                "annotations are not one whole number per frame",
                where=annotator,
                got=f"{codes.dtype} {codes.shape}",
                expected="(frames,) of int",
            )
            continue
        unknown = sorted(set(codes.tolist()) - set(vocabulary))
        if unknown:
            faults.add(
                "annotations that the vocabulary does not explain",
                where=annotator,
                got=str(unknown[:5]),
                expected=str(vocabulary),
            )
            continue
        if len(codes) != len(item["keypoints"]):
            faults.add(
                "annotations and keypoints differ in length",
                where=annotator,
                expected=str(len(item["keypoints"])),
                got=str(len(codes)),
            )
        words += [vocabulary[c] for c in sorted(vocabulary) if vocabulary[c] not in words]
        spans.append((0.0, len(codes) / rate, annotator, ""))
        for code, word in vocabulary.items():
            rows += [(a / rate, b / rate, word, annotator) for a, b in runs_of_true(codes == code)]
    faults.raise_if_any()
    if not rows:
        fail(str(path), "no annotated frames")
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "rater"])
    scored = pd.DataFrame(spans, columns=["start_s", "stop_s", "rater", "stream"])
    return build_labels(
        bouts,
        path=path,
        fps=rate,
        duration_s=duration_s,
        scored=scored,
        exclusive=True,
        vocabulary=words,
        recording=name,
    )
