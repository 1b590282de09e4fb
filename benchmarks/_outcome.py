"""What benchmarks of classifiers share: where the data are, one method's outcome, the table of several."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from murid import evaluate
from murid.compare.head_to_head import compare_with_best
from murid.data.progress import silent
from murid.data.recording import Recording

SHOWN = ["precision", "recall", "f1", "f1_low", "f1_high", "pr_auc", "bout_f1", "onset_abs_ms", "ece"]


def data_dir() -> Path:
    """Folder of the recordings: ``MURID_DATA``, or ``../shared/data``."""
    return Path(os.environ.get("MURID_DATA", Path(__file__).parents[2] / "shared" / "data"))


def outcome(method: Any, train: Sequence[Recording], test: Sequence[Recording], **scoring: Any) -> dict[str, Any]:
    """Fit on `train`, score on every frame of `test`; plain values that can be kept as JSON."""
    with silent():
        cpu = time.process_time()
        method.fit(train)
        fit_cpu = time.process_time() - cpu
        wall, cpu = time.perf_counter(), time.process_time()
        outputs = [method.apply(recording) for recording in test]
        apply_wall, apply_cpu = time.perf_counter() - wall, time.process_time() - cpu
    frames = sum(r.poses.sizes["time"] for r in test)
    score = scored(test, outputs, **scoring)
    speed = {"fit_cpu_s": fit_cpu, "apply_fps": frames / apply_wall, "apply_cpu_s": apply_cpu, "frames": frames}
    decision = getattr(method, "decision", None)
    return {**score.to_dict(), **speed, "decision": decision.to_dict() if decision else None}


def scored(test: Sequence[Recording], outputs: Sequence[Any], *, stream: str | None = None, **options: Any) -> Any:
    """Score the outputs of several recordings against their labels."""
    truth = [r.labels.select(stream=stream) if stream else r.labels for r in test]
    pairs = list(zip(truth, outputs, strict=True))
    return evaluate.score_many(pairs, recordings=[r.id for r in test], groups=[r.animal for r in test], **options)


def describe(name: str, found: dict[str, Any]) -> str:
    """One method's outcome in lines."""
    table = pd.DataFrame.from_dict(found["behaviours"], orient="index")[SHOWN]
    totals = pd.DataFrame.from_dict(found["totals"], orient="index")[["time_r", "time_bias", "bouts_r", "bouts_bias"]]
    low, high = found["macro_f1_ci"]
    per = pd.DataFrame(found["recordings"]).groupby("recording")["f1"].mean()
    return "\n".join(
        [
            f"\n== {name}: macro F1 {found['macro_f1']:.3f} [{low:.3f}, {high:.3f}], accuracy {found['accuracy']:.3f}, "
            f"single recordings {per.min():.2f}-{per.max():.2f}",
            table.join(totals).to_string(float_format=lambda v: f"{v:.3f}", na_rep="-"),
            f"fit {found['fit_cpu_s']:.0f} CPU-s, apply {found['apply_fps']:,.0f} frames/s "
            f"({found['frames'] / max(found['apply_cpu_s'], 1e-9):,.0f} per CPU-s)",
        ]
    )


def table(found: dict[str, dict[str, Any]], animals: dict[str, str]) -> str:
    """Several methods side by side, and each against the best, on the same resamples of animals."""
    rows, per = {}, []
    for name, one in found.items():
        f1 = {b: row["f1"] for b, row in one["behaviours"].items() if b != "macro"}
        macro = one["behaviours"]["macro"]
        rows[name] = {
            **f1,
            "macro": one["macro_f1"],
            "low": one["macro_f1_ci"][0],
            "high": one["macro_f1_ci"][1],
            "bout_f1": macro["bout_f1"],
            "pr_auc": macro["pr_auc"],
            "accuracy": one["accuracy"],
            "fit_cpu_s": one["fit_cpu_s"],
            "apply_fps": one["apply_fps"],
        }
        per.append(pd.DataFrame(one["recordings"]).assign(method=name))
    shown = pd.DataFrame.from_dict(rows, orient="index").sort_values("macro", ascending=False)
    lines = [
        "\nframe F1 per behaviour, macro with 95 % limits over animals; bout F1 at IoU .3",
        shown.to_string(float_format=lambda v: f"{v:.3f}" if abs(v) < 10 else f"{v:,.0f}"),
    ]
    if len(found) > 1:
        paired = compare_with_best(pd.concat(per, ignore_index=True), animals)
        wide = paired[paired["behaviour"] == "macro"].drop(columns="behaviour")
        lines += ["\nmacro F1 minus that of the best, animals resampled in pairs", wide.to_string(index=False)]
    return "\n".join(lines)


def kept(folder: Path | None, name: str) -> dict[str, Any] | None:
    """An outcome that an earlier run left in `folder`."""
    path = folder / f"{name}.json" if folder else None
    return json.loads(path.read_text()) if path and path.is_file() else None


def keep(folder: Path | None, name: str, found: dict[str, Any]) -> None:
    """Leave an outcome in `folder` for a later table."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(found))
