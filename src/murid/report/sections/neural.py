"""Which units care about which behaviours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.data.tables import TableRows
from murid.data.traces import Spikes
from murid.ethogram import bouts_of
from murid.ethogram.bouts import BOUTS
from murid.neural.tuning_analysis import TUNING
from murid.plot.number_text import count, listed, number, p_value, readable
from murid.plot.units import DIRECTIONS, selectivity_of
from murid.report.context import Context
from murid.report.figures import neural as draw
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Picture, ReportTable, Section, Words
from murid.report.sentences import units_tuned
from murid.report.table_rows import tuned_units

MAX_EXAMPLES = 4
#: Stretch of signal shown around an example's bouts, and window around onsets.
STRETCH_S, AROUND_S = 90.0, 4.0
_NEEDS = ("recording", "unit", "behaviour", "selectivity", "p", "q", "direction")
_SHOWN = {
    "recording": "recording",
    "unit": "unit",
    "behaviour": "behaviour",
    "auroc": "AUROC",
    "selectivity": "selectivity",
    "z": "z",
    "p": "p",
    "q": "q (corrected)",
    "direction": "direction",
    "null": "null",
    "n_bouts": "bouts",
    "n_independent": "independent shifts",
}


def make(context: Context) -> Section | None:
    """Tuning of every neural run."""
    runs = [r for r in context.runs_of("neural") if r.rows(TUNING, _NEEDS) is not None]
    if not runs:
        return None
    section = Section(
        "neural",
        "Units and behaviour",
        "Which recorded cells are more or less active during a behaviour than chance allows. Chance means: the same "
        "signal, slid in time against the same behaviour, so that slow signals and long bouts cannot pass for tuning.",
    )
    for run in runs:
        _one(context, section, run)
    return section


def _one(context: Context, section: Section, run: RunFolder) -> None:
    tuning = run.rows(TUNING, _NEEDS)
    if tuning is None:
        return
    tested = tuning.having(tuning.p.notna())
    counts = tuned_units(tuning)
    animals = int(context.animals.reindex(tuning.recording.unique()).nunique())
    alpha = run.level
    called = tuning.having(tuning.direction.isin(DIRECTIONS))
    source = str(run.summary.get("states_from") or run.params.get("states_from") or "labels")
    text = units_tuned(counts, animals, alpha)
    section.findings.append(text)
    section.add(Words(f"{text} Behaviour from: {readable(source)}.", "finding"))
    section.add(
        Words(
            "A tuned unit goes with a behaviour; it need not cause it, and it may follow something that goes with "
            "it, such as speed or place. Units of one animal are not independent: to compare groups, compare "
            "animals.",
            "note",
        )
    )
    if not len(tested):
        section.add(Words("No pair of unit and behaviour could be tested; the table gives the reasons.", "warning"))
    else:
        section.add(_heat(tuning), _fractions(tested, counts.units, alpha), _volcano(context, tested, alpha))
        section.add(_examples(context, called, source, tested, float(_asked(run).get("bin_s") or 0.1)))
        section.add(*_null(run, tested))
    section.add(_table(tuning))


def _asked(run: RunFolder) -> dict[str, Any]:
    """Parameters of the analysis, {} in a damaged run."""
    params = run.params.get("params")
    return params if isinstance(params, dict) else {}


@dataclass(frozen=True)
class UnitBehaviour:
    """One unit and behaviour of the table."""

    recording: str
    unit: str
    behaviour: str
    selectivity: float
    p: float
    q: float


def _heat(tuning: TableRows) -> Picture:
    """Units × behaviours, units ordered by the behaviour they prefer most."""
    table = tuning.frame
    key = tuning.recording.astype(str) + " " + tuning.unit.astype(str)
    values, called = selectivity_of(table.assign(key=key))
    return Picture(
        draw.selectivity(values, called),
        "Selectivity",
        "Selectivity is 2 × AUROC − 1: 0 means that the signal says nothing about the behaviour, 1 that it is always "
        "higher during it, −1 always lower. Dots: called tuned after correction. Hatched: not tested (too few bouts). "
        "Units are ordered by their strongest behaviour, which makes steps along the diagonal appear in pure noise "
        "too: only dots count.",
        f"Heat map of {len(values)} units by {values.shape[1]} behaviours with {int(called.to_numpy().sum())} dots.",
        table[[c for c in _SHOWN if c in table]],
    )


def _fractions(tested: TableRows, n_units: int, alpha: float) -> Picture:
    rows: list[dict[str, Any]] = []
    for behaviour, own in tested.by(tested.behaviour):
        n = len(own)
        rows.append(
            {
                "behaviour": behaviour,
                "tested": n,
                "recordings": own.recording.nunique(),
                "excited": 100 * float((own.direction == "excited").sum()) / n,
                "suppressed": 100 * float((own.direction == "suppressed").sum()) / n,
                "tuned": 100 * float(own.direction.isin(DIRECTIONS).mean()),
                "nominal": 100 * float((own.p <= alpha).mean()),
            }
        )
    shares = pd.DataFrame(rows)
    return Picture(
        draw.fractions(shares, alpha),
        "Share of units tuned",
        f"Coloured: units called excited or suppressed after correction (q ≤ {number(alpha)}). Pale: units with p ≤ "
        f"{number(alpha)} before correction; without any tuning {number(100 * alpha)} % would have it (dashed line), "
        "so a pale bar at the line is "
        f"what chance gives. Untested units are left out ({number(int(n_units))} units in all).",
        "Bars: " + listed([f"{readable(r['behaviour'])} {number(r['tuned'], 2)} % tuned" for r in rows], 12),
        shares,
    )


def _volcano(context: Context, tested: TableRows, alpha: float) -> Picture:
    floor = tested.p_floor.min()
    lowest = (
        f" p cannot be smaller than {number(float(floor), 2)} here: there are only so many shifts."
        if np.isfinite(floor)
        else ""
    )
    return Picture(
        draw.volcano(tested, context.colours_for(list(dict.fromkeys(tested.behaviour)))),
        "Strength and certainty",
        "Every dot is one unit and behaviour: to the right more active during it, to the left less; higher up less "
        f"likely by chance. Coloured dots are called tuned (q ≤ {number(alpha)}).{lowest} A strong dot low down "
        "rests on few bouts.",
        f"Volcano plot of {number(len(tested))} pairs of unit and behaviour.",
        tested.only(
            *(tested.recording, tested.unit, tested.behaviour, tested.selectivity, tested.p, tested.q),
            tested.direction,
        ),
    )


def _examples(
    context: Context, called: TableRows, source: str, tested: TableRows, bin_s: float
) -> Picture | Words | None:
    """Signal and mean response of the clearest pair of each behaviour."""
    if source != "labels":
        return Words("Examples are drawn from labels only; this run took behaviour from a model.", "note")
    pool = called if len(called) else tested
    ranked = pool.take(np.lexsort((-pool.selectivity.abs().to_numpy(float), pool.q.to_numpy(float))))
    first = ranked.having(~ranked.behaviour.duplicated()).take(slice(2 * MAX_EXAMPLES))
    names = (first.recording.astype(str), first.unit.astype(str), first.behaviour.astype(str))
    numbers = (first.selectivity.astype(float), first.p.astype(float), first.q.astype(float))
    best = [UnitBehaviour(*values) for values in zip(*names, *numbers, strict=True)]
    items = list(islice((i for pair in best if (i := _example(context, pair, bin_s)) is not None), MAX_EXAMPLES))
    if not items:
        return None
    curves = [{"example": i.title, "lag_s": i.lag_s, "mean": i.mean, "low": i.low, "high": i.high} for i in items]
    data = pd.concat([pd.DataFrame(curve) for curve in curves], ignore_index=True)
    which = "the clearest tuned unit" if len(called) else "the strongest unit, though none was called tuned,"
    return Picture(
        draw.draw_examples(items, context.colours_for([i.behaviour for i in items])),
        "Examples",
        f"For each behaviour {which} in {count(len(items), 'example')}. Left: its signal, bouts of the behaviour "
        "shaded. Right: mean around bout onsets; the 95 % band is over stretches of consecutive onsets of this "
        "recording and is left out where they are too few or depend on each other. Examples are the best of many, "
        "chosen for being clear: they show what tuning looks like, not how common it is.",
        f"Signals and mean responses: {listed([i.title for i in items])}.",
        data,
    )


def unit_signal(recording: Recording, unit: str, bin_s: float) -> tuple[xr.DataArray, str] | None:
    """The trace of one unit (time, unit) with its unit of measurement; spikes as a rate per second."""
    if recording.has("traces"):
        traces: xr.DataArray = recording.need("traces")
        kind = {"dff": "ΔF/F", "z": "z"}.get(str(traces.attrs.get("kind", "")), "signal (a.u.)")
        names = [str(u) for u in traces["unit"].values]
        if unit in names:
            return traces.isel(unit=[names.index(unit)]), kind
    if recording.has("spikes"):
        spikes: Spikes = recording.need("spikes")
        counts = spikes.binned(bin_s)
        names = [str(u) for u in counts["unit"].values]
        if unit in names:
            one = counts.isel(unit=[names.index(unit)])
            return (one / bin_s).assign_attrs(one.attrs), "spikes/s"
    return None


def _example(context: Context, pair: UnitBehaviour, bin_s: float) -> draw.Example | None:
    from murid.neural import PeriEventParams, bout_events, compute_perievent, confidence_band

    recording = context.study[pair.recording]
    states = context.label_states(recording.id)
    if states is None:
        return None
    try:
        signal = unit_signal(recording, pair.unit, bin_s)
        if signal is None:
            return None
        one, kind = signal
        bouts = bouts_of(states)
        onsets = bout_events(bouts, pair.behaviour)
        params = PeriEventParams(before_s=AROUND_S / 2, after_s=AROUND_S, overlap="keep")
        response = compute_perievent(one, onsets, params=params)
        band = confidence_band(response)
    except (DataError, ValueError):
        return None
    finally:
        recording.forget()
    time, values = one["time"].values, one.values[:, 0]
    rows = BOUTS.rows(bouts)
    own = rows.having(rows.label == pair.behaviour)
    start = _busiest(own, float(time[0]), float(time[-1]))
    inside = (time >= start) & (time <= start + STRETCH_S)
    spans = [(a, b) for a, b in zip(own.start_s, own.stop_s, strict=True) if b > start and a < start + STRETCH_S]
    title = (
        f"{recording.id}, {pair.unit}: {readable(pair.behaviour)} (selectivity {number(pair.selectivity, 2)}, "
        f"{p_value(pair.p)}, q = {number(pair.q, 2)})"
    )
    return draw.Example(
        title,
        pair.behaviour,
        time[inside],
        values[inside],
        spans,
        response.trials["lag"].values,
        band.sel(bound="mean").values[:, 0],
        band.sel(bound="low").values[:, 0],
        band.sel(bound="high").values[:, 0],
        response.n_events,
        kind,
    )


def _busiest(bouts: TableRows, first: float, last: float) -> float:
    """Start of the stretch with most bouts."""
    if last - first <= STRETCH_S or not len(bouts):
        return first
    starts = np.clip(bouts.start_s.to_numpy() - 5.0, first, last - STRETCH_S)
    inside = [((bouts.start_s >= s) & (bouts.start_s < s + STRETCH_S)).sum() for s in starts]
    return float(starts[int(np.argmax(inside))])


def _null(run: RunFolder, tested: TableRows) -> list[Picture | Words]:
    if not tested.has(tested.null, tested.drift_unit, tested.drift_behaviour):
        return []
    kinds = tested.null.value_counts()
    limit = float(_asked(run).get("drift_limit", 0.3))
    few = int((tested.n_independent < 40).sum())
    text = (
        f"Null: circular shift for {count(int(kinds.get('circular', 0)), 'pair')}, linear shift for "
        f"{number(int(kinds.get('linear', 0)))} in which unit and behaviour both drift over the session (more than "
        f"{number(limit)}), where circular shifts would call too much."
    )
    if few:
        text += f" {count(few, 'pair')} with fewer than 40 independent shifts: small p values are rough there."
    picture = Picture(
        draw.diagnostics(tested, limit),
        "Can the p values be trusted?",
        "Left: without any tuning the p values are flat at the dashed line; a peak at the left is tuning, a slope "
        "everywhere a null that does not fit. Right: drift of units and behaviours. Slow change of both makes any "
        "two signals look related; pairs right of and above the dashed lines are tested by a shift that does not "
        "wrap around.",
        "Histogram of p values, and scatter plot of drift of units against drift of behaviours.",
        tested.only(
            *(tested.recording, tested.unit, tested.behaviour, tested.p, tested.null),
            *(tested.drift_unit, tested.drift_behaviour),
        ),
    )
    return [Words(text), picture]


def _table(tuning: TableRows) -> ReportTable:
    table = tuning.frame
    certain = tuning.take(np.lexsort((tuning.p.to_numpy(float), tuning.q.to_numpy(float)))).frame
    shown = certain[[c for c in _SHOWN if c in table]]
    return ReportTable(
        shown,
        "Units and behaviours, most certain first",
        headings=_SHOWN,
        limit=20,
        full=table,
        folded=True,
        caption="q: Benjamini–Hochberg within the recording. Bouts, not frames, are what a test rests on.",
    )
