"""Labels: what human raters wrote down, and what they looked at.

A rater's file says two things: which behaviours were seen when (`bouts`), and which stretches
were watched at all (`scored`). Outside `scored` a frame is unlabelled (−1); inside it a behaviour
without a bout is absent. One `Labels` may hold several raters and several streams (channels
scored side by side); `select` picks one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NoReturn

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.bouts import EVERYONE, as_text, make_bouts
from murid.data.clock import first_sample, frame_times, rate_of, sample_stops, segments
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.states import UNLABELLED, behaviour_names, make_states, to_multilabel
from murid.data.stretches import runs_of_true
from murid.data.warning import warn_user

#: Words annotation programs write where no rater chose a behaviour.
PLACEHOLDERS = ("base", "unlabelled", "unlabeled", "unknown", "_default")

#: Rate (Hz) at which labels written in seconds are sampled where nothing else gives a clock.
DEFAULT_RATE_HZ = 10.0
#: Times beyond this, s, do not count from the beginning of a recording.
A_DAY_S = 86_400.0

Others = Literal["auto", "ignore", "negative"]


@dataclass(frozen=True)
class Labels:
    """Bouts of one or several raters and streams, with the stretches that were scored.

    Attributes
    ----------
    bouts : DataFrame
        ``start_s, stop_s, label, individual, rater, stream, source, score``.
    scored : DataFrame
        ``start_s, stop_s, rater, stream``: what was watched; with ``individual`` where animals were
        watched at different times.
    exclusive : bool
        One label at a time per individual and stream.
    vocabulary : tuple of str
        Every behaviour the rater could have chosen, also those never used.
    fps : float
        Frame rate the annotation was made at (frames/s); NaN when the file is in seconds.

    Examples
    --------
    >>> bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"]})
    >>> labels = Labels.from_bouts(bouts, duration_s=4)
    >>> labels.behaviours, labels.stop_s
    (['rear'], 4.0)
    """

    bouts: pd.DataFrame
    scored: pd.DataFrame
    exclusive: bool = False
    vocabulary: tuple[str, ...] = ()
    fps: float = float("nan")
    source_file: str = ""
    meta: dict = field(default_factory=dict)

    @property
    def raters(self) -> list[str]:
        """Names of the raters, sorted."""
        return sorted(set(self.scored["rater"]) | set(self.bouts["rater"]))

    @property
    def streams(self) -> list[str]:
        """Names of the streams, sorted."""
        return sorted(set(self.scored["stream"]) | set(self.bouts["stream"]))

    @property
    def individuals(self) -> list[str]:
        """Individuals that carry labels; ``["all"]`` when labels belong to all together."""
        return list(dict.fromkeys(self.bouts["individual"])) or [EVERYONE]

    @property
    def behaviours(self) -> list[str]:
        """Labels in use, in the order of the vocabulary, then of appearance; no placeholders."""
        used = set(self.bouts["label"])
        names = [v for v in self.vocabulary if v in used]
        names += [v for v in dict.fromkeys(self.bouts["label"]) if v not in names]
        return [n for n in names if n.lower() not in PLACEHOLDERS]

    @property
    def stop_s(self) -> float:
        """End of the last bout or scored stretch, seconds."""
        ends = [t["stop_s"].max() for t in (self.bouts, self.scored) if len(t)]
        return float(max(ends, default=float("nan")))

    def clock(self, rate_hz: float | None = None) -> np.ndarray:
        """Return the labels' own clock: from 0 to their end, at their own rate (10 Hz where they have none).

        Labels that begin more than a day after 0 count from no beginning of a recording (Unix seconds): their clock
        begins where they do.

        Examples
        --------
        >>> late = pd.DataFrame({"start_s": [1.7e9 + 1], "stop_s": [1.7e9 + 2], "label": ["rear"]})
        >>> watched = pd.DataFrame({"start_s": [1.7e9], "stop_s": [1.7e9 + 3], "rater": "", "stream": ""})
        >>> (Labels.from_bouts(late, scored=watched).clock(2.0) - 1.7e9).tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
        """
        rate = rate_hz or (self.fps if np.isfinite(self.fps) else DEFAULT_RATE_HZ)
        starts = [float(t["start_s"].min()) for t in (self.bouts, self.scored) if len(t)]
        if not starts or not np.isfinite(self.stop_s):
            return np.empty(0)
        first = min(starts) if min(starts) > A_DAY_S else 0.0
        return frame_times(int(np.ceil((self.stop_s - first) * rate - 1e-6)), rate, first)

    def select(self, *, rater: str | None = None, stream: str | None = None, individual: str | None = None) -> Labels:
        """Return the labels of one rater, stream or individual; unknown names are an error."""
        bouts, scored = self.bouts, self.scored
        faults = Faults(f"labels {self.source_file}".strip())
        for column, value, known in (("rater", rater, self.raters), ("stream", stream, self.streams)):
            if value is None:
                continue
            if value not in known:
                faults.add(f"no {column} '{value}'", todo=did_you_mean(value, known))
            bouts, scored = bouts[bouts[column] == value], scored[scored[column] == value]
        if individual is not None:
            # An animal that was watched and did nothing has no bout.
            watched = as_text(scored["individual"], EVERYONE) if "individual" in scored else ()
            people = list(dict.fromkeys([*self.individuals, *watched]))
            if individual not in people:
                faults.add(f"no labels for '{individual}'", todo=did_you_mean(individual, people))
        faults.raise_if_any()
        chosen = replace(self, bouts=bouts.reset_index(drop=True), scored=scored.reset_index(drop=True))
        return chosen if individual is None else chosen.of_individual(individual)

    def of_individual(self, name: str) -> Labels:
        """Return the labels of one animal, also of one that they do not name.

        What belongs to all animals together belongs to this one too.
        """
        bouts = self.bouts[self.bouts["individual"].isin([name, EVERYONE])].assign(individual=name)
        scored = self.scored
        if "individual" in scored:
            scored = scored[as_text(scored["individual"], EVERYONE).isin([name, EVERYONE])].drop(columns="individual")
        return replace(self, bouts=bouts.reset_index(drop=True), scored=scored.reset_index(drop=True))

    def one_rater(self) -> Labels:
        """Return self when one rater wrote these labels.

        Raises
        ------
        DataError
            When there are several: whose labels are meant must be chosen.
        """
        if len(self.raters) > 1:
            fail(
                f"labels {self.source_file}".strip(),
                "several raters",
                expected="one of them",
                got=", ".join(self.raters),
                todo=f"choose one: --rater {self.raters[0]} (Python: labels.select(rater={self.raters[0]!r}))",
            )
        return self

    def stream_with(self, behaviours: Sequence[str] | None) -> Labels:
        """Return the labels of the stream, or streams, that hold `behaviours`.

        The one stream that holds all of them; else every behaviour from the only stream that holds it.

        Raises
        ------
        DataError
            Several streams and no behaviours named; a behaviour that stands in several of them; none in any.
        """
        if len(self.streams) <= 1:
            return self
        if behaviours is None:
            self._refuse_streams("several streams", expected="one of them, or the behaviours that are meant")
        held = {s: set(self.bouts.loc[self.bouts["stream"] == s, "label"]) & set(behaviours) for s in self.streams}
        whole = [s for s, names in held.items() if set(behaviours) <= names]
        if whole:
            return self.select(stream=whole[0])
        used = [s for s, names in held.items() if names]
        shared = sorted({n for n in behaviours if sum(n in held[s] for s in used) > 1})
        if used and not shared:
            bouts, scored = (t[t["stream"].isin(used)].reset_index(drop=True) for t in (self.bouts, self.scored))
            return replace(self, bouts=bouts, scored=scored, exclusive=self.exclusive and len(used) == 1)
        what = "several streams hold the same behaviour" if shared else "no stream holds these behaviours"
        self._refuse_streams(what, expected=", ".join(shared or behaviours))

    def stream_showing(self, behaviours: Sequence[str]) -> Labels:
        """Return `stream_with` for behaviours of which a recording may show none.

        Then the streams say the same of them, absent where watched, if they were watched at the same times;
        otherwise it is the error of `stream_with`.
        """
        shown = [name for name in behaviours if name in set(self.bouts["label"])]
        if shown:
            return self.stream_with(shown)
        watched = [
            self.scored[self.scored["stream"] == s].drop(columns="stream").reset_index(drop=True) for s in self.streams
        ]
        alike = all(one.equals(watched[0]) for one in watched)
        return self.select(stream=self.streams[0]) if len(watched) > 1 and alike else self.stream_with(None)

    def _refuse_streams(self, what: str, *, expected: str) -> NoReturn:
        """Raise the one error of every use that does not say which stream is meant."""
        fail(
            f"labels {self.source_file}".strip(),
            what,
            expected=expected,
            got="; ".join(
                f"{s}: {', '.join(self.select(stream=s).behaviours) or 'no behaviour'}" for s in self.streams
            ),
            todo=f"choose the stream: --stream {self.streams[0]} (Python: labels.select(stream={self.streams[0]!r})), "
            "or name its behaviours: -b NAME,NAME (Python: behaviours=[...])",
        )

    def to_states(
        self,
        time_s: ArrayLike,
        behaviours: Sequence[str] | None = None,
        *,
        others: Others = "auto",
        individuals: Sequence[str] | None = None,
    ) -> xr.DataArray:
        """Return States on a clock, multi-label ``(time, individual, behaviour)``.

        Parameters
        ----------
        time_s : array of shape (time,)
            Sample times in seconds. A bout covers the samples whose time, rounded to the nearest
            sample, lies in ``[start_s, stop_s)``.
        behaviours : sequence of str, optional
            Behaviours to return; those in use by default.
        others : {"auto", "ignore", "negative"}
            What a frame is that carries only labels not asked for: −1 (ignore) or absent
            (negative). "auto": placeholders such as "base" are ignored, all others are negative.
        individuals : sequence of str, optional
            Individuals to return; those with labels by default.
        """
        chosen = self.stream_with(behaviours)
        chosen.one_rater()
        names = list(behaviours) if behaviours is not None else chosen.behaviours
        people = list(individuals) if individuals is not None else chosen.individuals
        time_s = np.asarray(time_s, np.float64)
        out = np.full((time_s.size, len(people), len(names)), UNLABELLED, np.int8)
        ignored: set[str] = set()
        for part, columns in _by_stream(chosen, names):
            more = _ignored(names, set(part.bouts["label"]), others)
            out[:, :, columns] = _filled(part, time_s, [names[c] for c in columns], people, more)
            ignored |= set(more)
        _warn_if_mostly_ignored(out, sorted(ignored), others)
        return make_states(out, time_s, names, people, source=", ".join(filter(None, chosen.raters)))

    @classmethod
    def from_bouts(
        cls,
        bouts: pd.DataFrame,
        *,
        duration_s: float | None = None,
        scored: pd.DataFrame | None = None,
        exclusive: bool = False,
        vocabulary: Sequence[str] = (),
        fps: float = float("nan"),
        source_file: str = "",
    ) -> Labels:
        """Build Labels from a bout table.

        The whole of ``[0, duration_s)`` counts as scored by every rater in every stream unless
        `scored` says otherwise; without a duration, up to the last bout. Times in Unix seconds say nothing of the
        beginning: with a warning, the first bout is it.

        Raises
        ------
        DataError
            See `make_bouts`; also bouts that start before 0 s, unless `scored` begins as early.
        """
        bouts = make_bouts(bouts, name=source_file or "bouts")
        _refuse_early(bouts, scored, source_file)
        if scored is None:
            stop = duration_s if duration_s is not None else float(bouts["stop_s"].max() if len(bouts) else 0.0)
            pairs = bouts[["rater", "stream"]].drop_duplicates()
            if pairs.empty:
                pairs = pd.DataFrame({"rater": [""], "stream": [""]})
            first = float(bouts["start_s"].min()) if len(bouts) else 0.0
            if first <= A_DAY_S or duration_s is not None:
                first = 0.0
            else:
                warn_user(
                    f"{source_file or 'bouts'}: times do not count from the beginning of the recording (first bout at "
                    f"{first:.0f} s): taken as watched from the first bout on; say what was watched with scored=..."
                )
            scored = pairs.assign(start_s=first, stop_s=stop)[["start_s", "stop_s", "rater", "stream"]]
        words = tuple(vocabulary) or tuple(dict.fromkeys(bouts["label"]))
        return cls(bouts, scored.reset_index(drop=True), exclusive, words, float(fps), source_file)

    @classmethod
    def from_states(cls, states: xr.DataArray, rater: str = "", stream: str = "") -> Labels:
        """Build Labels from States: runs of 1 become bouts, runs of not-unlabelled become scored.

        Nothing is counted as scored that was not: where animals were watched at different times,
        `scored` has a column ``individual``; behaviours that were scored in different stretches become
        streams of their own.
        """
        multi = to_multilabel(states)
        time, values, names = multi["time"].values, multi.values, behaviour_names(multi)
        people = [str(i) for i in multi["individual"].values]
        stops, pieces = sample_stops(time), segments(time)

        def stretches(mask: np.ndarray) -> list[tuple[float, float]]:
            return [(time[a + i], stops[a + j - 1]) for a, b in pieces for i, j in runs_of_true(mask[a:b])]

        groups: dict[bytes, list[int]] = {}
        for b in range(len(names)):
            groups.setdefault((values[:, :, b] != UNLABELLED).tobytes(), []).append(b)
        bouts: list[tuple[float, float, str, str, str]] = []
        watched: list[tuple[float, float, str, str]] = []
        for number, columns in enumerate(groups.values(), 1):
            name = stream if number == 1 else f"{stream}{number}"
            known = values[:, :, columns[0]] != UNLABELLED
            alike = (known == known[:, :1]).all()
            for p, person in enumerate(people[:1] if alike else people):
                watched += [(a, z, EVERYONE if alike else person, name) for a, z in stretches(known[:, p])]
            for p, person in enumerate(people):
                for b in columns:
                    bouts += [(a, z, names[b], person, name) for a, z in stretches(values[:, p, b] == 1)]
        scored = pd.DataFrame(watched, columns=["start_s", "stop_s", "individual", "stream"]).assign(rater=rater)
        shared = bool((scored["individual"] == EVERYONE).all())
        scored = scored[["start_s", "stop_s", "rater", "stream"] + ([] if shared else ["individual"])]
        table = pd.DataFrame(bouts, columns=["start_s", "stop_s", "label", "individual", "stream"])
        exclusive = "behaviour" not in states.dims and len(groups) <= 1
        return cls(make_bouts(table.assign(rater=rater)), scored, exclusive, tuple(names), rate_of(time))


@dataclass(frozen=True)
class LabelChoice:
    """Which of a recording's labels are meant: the one rule for raters, streams and other labels.

    Attributes
    ----------
    behaviours : tuple of str, optional
        Behaviours, in this order; those in use when None.
    others : {"auto", "ignore", "negative"}
        What a frame is that carries only labels not asked for (see `Labels.to_states`).
    rater : str, optional
        Whose labels. With None and several raters every use is an error: raters are never united and
        never picked by order.
    stream : str, optional
        Which stream; with None the streams that hold the behaviours. With None, several streams and no
        behaviours every use is an error, as for raters.

    Examples
    --------
    >>> import pandas as pd
    >>> labels = Labels.from_bouts(pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"]}), duration_s=4)
    >>> LabelChoice(behaviours=("rear",)).states(labels, [0.0, 1.0, 2.0, 3.0]).values[:, 0, 0].tolist()
    [0, 1, 0, 0]
    """

    behaviours: tuple[str, ...] | None = None
    others: Others = "auto"
    rater: str | None = None
    stream: str | None = None

    def select(self, labels: Labels) -> Labels:
        """Return the labels of the rater and stream chosen.

        Raises
        ------
        DataError
            Unknown rater or stream; several raters and none chosen.
        """
        return labels.select(rater=self.rater or None, stream=self.stream or None).one_rater()

    def states(
        self, labels: Labels, time_s: ArrayLike | None = None, *, individuals: Sequence[str] | None = None
    ) -> xr.DataArray:
        """Return States, multi-label ``(time, individual, behaviour)``.

        Parameters
        ----------
        labels : Labels
            Labels of a recording.
        time_s : array of shape (time,), optional
            Clock in seconds; the labels' own (`Labels.clock`) when None.
        individuals : sequence of str, optional
            Individuals to return; those with labels by default.
        """
        chosen = self.select(labels)
        if time_s is None:
            time_s = chosen.clock()
        return chosen.to_states(time_s, self.behaviours, others=self.others, individuals=individuals)


def _refuse_early(bouts: pd.DataFrame, scored: pd.DataFrame | None, source_file: str) -> None:
    """Refuse bouts before the clock begins: nothing was filmed then, and every total would count them."""
    first = 0.0 if scored is None or scored.empty else min(0.0, float(scored["start_s"].min()))
    faults = Faults(source_file or "bouts")
    for row in bouts[bouts["start_s"] < first - 1e-6].head(20).itertuples():
        faults.add(
            "bout starts before the recording",
            where=f"{row.label}, {row.start_s:.3f}-{row.stop_s:.3f} s",
            expected=f">= {first:g} s",
            todo="correct the time, or shift all labels to the recording's clock",
        )
    faults.raise_if_any()


def _by_stream(labels: Labels, names: Sequence[str]) -> list[tuple[Labels, list[int]]]:
    """Labels of each stream, and which of `names` it says something about."""
    if len(labels.streams) <= 1:
        return [(labels, list(range(len(names))))]
    parts = [(labels.select(stream=s), s) for s in labels.streams]
    owner = {n: s for part, s in parts for n in set(part.bouts["label"])}
    # What no stream holds is absent where the first one was scored.
    at = {s: [c for c, n in enumerate(names) if owner.get(n, labels.streams[0]) == s] for _, s in parts}
    return [(part, at[s]) for part, s in parts if at[s]]


def _filled(labels: Labels, time_s: np.ndarray, names: list[str], people: list[str], ignored: list[str]) -> np.ndarray:
    """One stream's int8 ``(time, individual, behaviour)``: 1 present, 0 absent, −1 not scored."""
    out = np.full((time_s.size, len(people), len(names)), UNLABELLED, np.int8)
    watched = as_text(labels.scored["individual"], EVERYONE) if "individual" in labels.scored else None
    for p, person in enumerate(people):
        scored = labels.scored if watched is None else labels.scored[watched.isin([person, EVERYONE])]
        for start, stop in _spans(scored, time_s):
            out[start:stop, p] = 0
        own = labels.bouts[labels.bouts["individual"].isin([person, EVERYONE])]
        for start, stop in _spans(own[own["label"].isin(ignored)], time_s):
            out[start:stop, p] = UNLABELLED
        for b, name in enumerate(names):
            for start, stop in _spans(own[own["label"] == name], time_s):
                block = out[start:stop, p]
                block[(block == UNLABELLED).all(axis=1)] = 0
                out[start:stop, p, b] = 1
    return out


def _spans(table: pd.DataFrame, time_s: np.ndarray) -> list[tuple[int, int]]:
    """Sample ranges of a table's intervals: edges rounded to the nearest sample."""
    if time_s.size == 0 or table.empty:
        return []
    start, stop = (first_sample(time_s, table[edge].to_numpy(np.float64)) for edge in ("start_s", "stop_s"))
    return list(zip(start.tolist(), stop.tolist(), strict=True))


def _ignored(names: Sequence[str], used: set[str], others: Others) -> list[str]:
    rest = [label for label in used if label not in names]
    if others == "negative":
        return []
    if others == "ignore":
        return rest
    return [label for label in rest if label.lower() in PLACEHOLDERS]


def _warn_if_mostly_ignored(out: np.ndarray, ignored: list[str], others: Others) -> None:
    if others == "auto" and ignored and out.size:
        share = float((out == UNLABELLED).all(axis=2).mean())
        if share > 0.5:
            warn_user(
                f"{share:.0%} of the frames are labelled {', '.join(sorted(ignored))} and count as unlabelled; "
                "if that means 'nothing of this happens', use others='negative'"
            )
