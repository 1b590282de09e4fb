"""What BORIS exports of scored films: an aggregated table of state events, written for these tests alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def write_aggregated(path: Path, bouts: pd.DataFrame, *, media: dict[str, str], duration_s: dict[str, float], fps=25.0):
    """Write bouts ``(observation, start_s, stop_s, label)`` as the aggregated events of BORIS 8."""
    table = pd.DataFrame(
        {
            "Observation id": bouts["observation"],
            "Observation date": "2026-01-02 11:00:00",
            "Description": "",
            "Observation type": "Media file",
            "Source": bouts["observation"].map(lambda o: f"player #1:/v/{media[o]}"),
            "Time offset (s)": 0,
            "Coding duration": bouts["observation"].map(duration_s),
            "Media duration (s)": bouts["observation"].map(duration_s),
            "FPS (frame/s)": fps,
            "Subject": "mouse",
            "Observation duration by subject by observation": "",
            "Behavior": bouts["label"],
            "Behavioral category": "Not defined",
            "Behavior type": "STATE",
            "Start (s)": bouts["start_s"].map("{:.3f}".format),
            "Stop (s)": bouts["stop_s"].map("{:.3f}".format),
            "Duration (s)": (bouts["stop_s"] - bouts["start_s"]).map("{:.3f}".format),
            "Media file name": bouts["observation"].map(lambda o: f"/v/{media[o]}"),
            "Image index start": (bouts["start_s"] * fps).round().astype(int),
            "Image index stop": (bouts["stop_s"] * fps).round().astype(int),
            "Image file path start": "",
            "Image file path stop": "",
            "Comment start": "",
            "Comment stop": "",
        }
    )
    table.to_csv(path, index=False)
