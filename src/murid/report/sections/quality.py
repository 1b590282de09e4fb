"""How good the tracking is, and what to do where it is not."""

from __future__ import annotations

import pandas as pd

from murid.plot.number_text import count, listed, natural, number
from murid.prepare.quality_analysis import BAD, FAULTS, OVERVIEW, QUALITY, VERDICTS
from murid.report.context import Context
from murid.report.figures.heat_maps import matrix
from murid.report.pose_overview import KEYPOINTS
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Picture, ReportTable, Section, Words
from murid.report.sentences import quality_found

_HEADINGS = {"todo": "what to do", "recordings": "recordings concerned", "worst": "worst case"}
#: Rows of the heat map; more recordings are in the CSV.
MAX_ROWS = 40


def make(context: Context) -> Section | None:
    """Show missing keypoints and the verdicts of the check."""
    runs = context.runs_of("check")
    if not context.glances and not runs:
        return None
    lead = "Everything below rests on these recordings. Look here first."
    if context.glances:
        lead = (
            "Everything below rests on the tracking. Look here first: a keypoint that is often missing, or a track "
            "that sticks, can look like behaviour."
        )
    section = Section("quality", "Quality of the recordings", lead)
    for run in runs[-1:]:
        _verdicts(section, run)
    if context.glances:
        section.add(_missing(context))
    return section


def _verdicts(section: Section, run: RunFolder) -> None:
    quality = run.rows(QUALITY, ["recording", "check", "verdict"])
    overview = run.rows(OVERVIEW, ["check", "verdict", "recordings"])
    faults = run.rows(FAULTS)
    if quality is not None and len(quality):
        bad = sorted(set(quality.having(quality.verdict == BAD).recording.astype(str)), key=natural)
        ok, look, worst = (number(int((quality.verdict == verdict).sum())) for verdict in VERDICTS)
        n = quality.recording.nunique()
        text = f"{count(n, 'recording')}, {count(len(quality), 'check')}: {ok} fine, {look} worth a look, {worst} bad."
        section.add(Words(text, "finding"))
        section.findings.append(quality_found(bad, n))
        if overview is None or not len(overview):
            section.add(Words("No check asks for action."))
        else:
            section.add(
                ReportTable(
                    overview.frame,
                    "Checks that are not fine",
                    headings=_HEADINGS,
                    full=quality.frame,
                    caption="One row a check, with the worst recording. The CSV holds every check of every recording.",
                )
            )
    if faults is not None and len(faults):
        shown = faults.frame.rename(columns={faults.todo.name: FAULTS.heading("todo")})
        section.add(
            Words(f"The study folder has {count(len(faults), 'fault')}.", "warning"), ReportTable(shown, "Faults")
        )


def _missing(context: Context) -> Picture:
    """Heat map of the share of frames in which a keypoint is missing or doubted."""
    table = pd.concat(
        [g.keypoint_table.assign(recording=recording_id) for recording_id, g in context.glances.items()],
        ignore_index=True,
    )
    rows = KEYPOINTS.rows(table)
    several = rows.individual.groupby(rows.recording).transform("nunique") > 1
    track = rows.recording + (" " + rows.individual).where(several, "")
    unsure = rows.missing_pct + rows.low_pct
    wide = unsure.groupby([track.rename("track"), rows.keypoint], sort=False).mean().unstack()
    wide = wide.reindex(index=list(dict.fromkeys(track)), columns=list(dict.fromkeys(rows.keypoint)))
    shown = wide.head(MAX_ROWS)
    worst = wide.mean().sort_values(ascending=False)
    more = f" {len(wide) - len(shown)} more rows are in the CSV." if len(wide) > len(shown) else ""
    return Picture(
        matrix(
            shown,
            label="frames without a sure position (%)",
            low=0,
            high=max(10.0, float(wide.max().max())),
            fmt="{:.0f}",
        ),
        "Keypoints that were not seen",
        "Share of frames in which a keypoint is missing or the tracker gives it a confidence below 0.5. A column "
        "that is dark throughout is a keypoint to retrain or to leave out; a dark row is a recording to look at. A "
        f"pale map says that points were found, not that they are in the right place.{more}",
        "Heat map, recordings by keypoints. Most often missing: "
        f"{listed([f'{k} {number(v)} %' for k, v in worst.head(3).items()])}.",
        rows.only(rows.recording, rows.individual, rows.keypoint, rows.missing_pct, rows.low_pct),
    )
