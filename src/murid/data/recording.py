"""Recording: one subject of analysis, with everything measured on it, on one time base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, overload

import pandas as pd
import xarray as xr

from murid.data.bouts import make_events
from murid.data.clock import ClockMap, rate_of, sample_stops
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.labels import Labels
from murid.data.names import refuse_bad_id
from murid.data.notebook_html import shown_as_html
from murid.data.poses import individual_names, validate_poses
from murid.data.traces import Spikes
from murid.data.video import Video
from murid.data.warning import warn_user
from murid.data.zones import Zones

#: Anything a recording may hold.
Noun: TypeAlias = "xr.Dataset | xr.DataArray | Labels | pd.DataFrame | Zones | Spikes | Video"

NOUNS = ("poses", "labels", "events", "zones", "traces", "spikes", "video")

#: Labels may run past the poses by this much before it is a fault (annotators count past the end).
LABEL_OVERHANG_S = 5.0


class Recording:
    """One recording: an id, who it is of, and its nouns, opened when first asked for.

    Parameters
    ----------
    id : str
        Unique within a study; letters and digits of any script, ``. _ -``, since it names a folder there.
    poses, labels, events, zones, traces, spikes, video
        The nouns, or a function without arguments that opens one. Missing ones are None.
    animal : str, optional
        Unit of analysis; the id by default. Splits and statistics go by animal.
    group : str, optional
        Treatment group.
    day, session : str, optional
        Further keys.
    roles : dict of str to str, optional
        Skeleton role → keypoint (``{"nose": "snout"}``); guessed from names when left out.
    meta : dict, optional
        Anything else worth keeping.

    Examples
    --------
    >>> import numpy as np
    >>> from murid.data.poses import make_poses
    >>> poses = make_poses(np.zeros((60, 2, 1, 1)), keypoints=["nose"], fps=30)
    >>> recording = Recording("r1", poses=poses, animal="a1", group="ctrl")
    >>> recording.duration_s, recording.has("labels")
    (2.0, False)
    """

    def __init__(
        self,
        id: str,
        *,
        poses: xr.Dataset | Callable[[], xr.Dataset] | None = None,
        labels: Labels | Callable[[], Labels] | None = None,
        events: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
        zones: Zones | Callable[[], Zones] | None = None,
        traces: xr.DataArray | Callable[[], xr.DataArray] | None = None,
        spikes: Spikes | Callable[[], Spikes] | None = None,
        video: Video | Callable[[], Video] | None = None,
        animal: str | None = None,
        group: str = "",
        day: str = "",
        session: str = "",
        roles: dict[str, str] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        self.id = str(id)
        # The rule of a study, so that what works by itself can be added to one; an id never leads out of its folder.
        refuse_bad_id(self.id, "recording")
        self.animal = str(animal) if animal not in (None, "") else self.id
        self.group, self.day, self.session = str(group), str(day), str(session)
        self.roles = dict(roles or {})
        self.meta = dict(meta or {})
        given = dict(poses=poses, labels=labels, events=events, zones=zones, traces=traces, spikes=spikes, video=video)
        self._nouns: dict[str, Any] = {}
        self._openers: dict[str, Callable[[], Any]] = {}
        for noun, value in given.items():
            self._set(noun, value)

    def _set(self, noun: str, value: Any) -> None:
        if callable(value) and not isinstance(value, (xr.Dataset, xr.DataArray)):
            self._openers[noun] = value
        else:
            self._nouns[noun] = _checked(noun, value, self.id)

    def _get(self, noun: str) -> Any:
        if noun not in self._nouns:
            self._nouns[noun] = _checked(noun, self._openers[noun](), self.id)
        return self._nouns[noun]

    @property
    def poses(self) -> xr.Dataset | None:
        """Poses dataset, or None."""
        return self._get("poses")

    @property
    def labels(self) -> Labels | None:
        """Human labels, or None."""
        return self._get("labels")

    @property
    def events(self) -> pd.DataFrame | None:
        """Event table, or None."""
        return self._get("events")

    @property
    def zones(self) -> Zones | None:
        """Zones, or None."""
        return self._get("zones")

    @property
    def traces(self) -> xr.DataArray | None:
        """Neural traces, or None."""
        return self._get("traces")

    @property
    def spikes(self) -> Spikes | None:
        """Spike times, or None."""
        return self._get("spikes")

    @property
    def video(self) -> Video | None:
        """Video, or None."""
        return self._get("video")

    def has(self, noun: str) -> bool:
        """True when the noun was given (without opening it)."""
        return noun in self._openers or self._nouns.get(noun) is not None

    @overload
    def need(self, noun: Literal["poses"]) -> xr.Dataset: ...
    @overload
    def need(self, noun: Literal["labels"]) -> Labels: ...
    @overload
    def need(self, noun: Literal["events"]) -> pd.DataFrame: ...
    @overload
    def need(self, noun: Literal["zones"]) -> Zones: ...
    @overload
    def need(self, noun: Literal["traces"]) -> xr.DataArray: ...
    @overload
    def need(self, noun: Literal["spikes"]) -> Spikes: ...
    @overload
    def need(self, noun: Literal["video"]) -> Video: ...
    @overload
    def need(self, noun: str) -> Noun: ...
    def need(self, noun: str) -> Noun:
        """Return a noun, never None.

        Raises
        ------
        DataError
            When the recording lacks it; the message lists what it has.
        """
        if noun not in NOUNS:
            fail("recording", f"no noun '{noun}'", todo=did_you_mean(noun, NOUNS))
        if not self.has(noun):
            fail(
                f"recording '{self.id}'",
                f"has no {noun}",
                expected=noun,
                got=", ".join(n for n in NOUNS if self.has(n)) or "nothing",
                todo=f"add {noun} to the recording",
            )
        noun_of: Noun = self._get(noun)
        return noun_of

    def forget(self) -> None:
        """Drop opened nouns that can be opened again, to free memory."""
        for noun in self._openers:
            self._nouns.pop(noun, None)

    def replace(self, **changes: Any) -> Recording:
        """Return a copy with some nouns or keys changed."""
        keys = dict(
            id=self.id,
            animal=self.animal,
            group=self.group,
            day=self.day,
            session=self.session,
            roles=self.roles,
            meta=self.meta,
        )
        nouns = {n: self._openers.get(n, self._nouns.get(n)) for n in NOUNS}
        return Recording(**{**keys, **nouns, **changes})

    def map_clock(self, noun: str, clock: ClockMap) -> Recording:
        """Return a copy in which `noun`'s times went through `clock` onto the common time base."""
        data = self.need(noun)
        moved: Noun
        if isinstance(data, (xr.Dataset, xr.DataArray)):
            moved = data.assign_coords(time=clock(data["time"].values))
            if "fps" in data.attrs:
                moved = moved.assign_attrs(fps=rate_of(moved["time"].values))
        elif isinstance(data, pd.DataFrame):
            moved = data.assign(time_s=clock(data["time_s"]))
        elif isinstance(data, Spikes):
            times = {u: clock(t) for u, t in data.times_s.items()}
            moved = Spikes(
                times, float(clock(data.start_s)), float(clock(data.stop_s)), dict(data.meta), data.end_known
            )
        else:
            fail(
                f"recording '{self.id}'", f"{noun} has no clock of its own", expected="poses, traces, events or spikes"
            )
        return self.replace(**{noun: moved})

    def validate(self) -> Recording:
        """Open everything, check that the nouns fit each other, and return self."""
        faults = Faults(f"recording '{self.id}'")
        for noun in NOUNS:
            try:
                self._get(noun) if self.has(noun) else None
            except ValueError as exc:
                faults.add(str(exc), where=noun)
        faults.raise_if_any()
        if self.poses is not None and self.labels is not None:
            self._check_labels(self.poses, self.labels, faults)
        if self.video is not None and self.poses is not None:
            self._check_video(self.poses, self.video, faults)
        faults.raise_if_any()
        if self.events is not None:
            self._tell_early_events(self.events)
        return self

    def _tell_early_events(self, events: pd.DataFrame) -> None:
        """Warn of events before anything was recorded: no window around them holds data, and counts include them."""
        begins = [
            float(data["time"].values[0])
            for data in (self.poses, self.traces)
            if data is not None and len(data["time"])
        ]
        early = events[events["time_s"] < min([0.0, *begins])]
        if len(early):
            warn_user(
                f"recording '{self.id}': {len(early)} of {len(events)} events lie before the recording "
                f"({early['label'].iloc[0]} at {early['time_s'].iloc[0]:.3f} s); if their clock is another one, "
                "shift them or map it (Recording.map_clock)"
            )

    def _check_labels(self, poses: xr.Dataset, labels: Labels, faults: Faults) -> None:
        end = float(poses["time"].values[-1])
        if self.video is not None:  # tracking may end before the film does
            end = max(end, float(self.video.time_s[-1]))
        over = labels.stop_s - end
        if over > LABEL_OVERHANG_S:
            faults.add(
                "labels run past the recording",
                expected=f"<= {end:.1f} s",
                got=f"{labels.stop_s:.1f} s",
                todo="check fps, and that labels and poses belong to the same video",
            )
        begin = float(poses["time"].values[0])
        if self.video is not None:
            begin = min(begin, float(self.video.time_s[0]))
        first = float(labels.bouts["start_s"].min()) if len(labels.bouts) else begin
        # Labels count from the start of the film: tracking that begins later is usual, a time below 0 is not.
        if first < min(begin, 0.0) - LABEL_OVERHANG_S:
            faults.add(
                "labels begin before the recording",
                expected=f">= {min(begin, 0.0):.1f} s",
                got=f"{first:.1f} s",
                todo="correct the times, or shift the labels to the recording's clock",
            )
        unknown = set(labels.individuals) - set(individual_names(poses)) - {"all"}
        if unknown:
            faults.add(
                "labels name individuals that have no pose",
                got=", ".join(sorted(unknown)),
                expected=", ".join(individual_names(poses)),
                todo="give them one set of names in the label file, or name nobody there: labels then hold for all",
            )

    def _check_video(self, poses: xr.Dataset, video: Video, faults: Faults) -> None:
        # Rows are matched by their frame numbers: a table may begin later or end earlier than the film.
        first, last, n_video = int(poses["frame"].values[0]), int(poses["frame"].values[-1]), video.n_frames
        if last - (n_video - 1) > max(2, 0.001 * n_video):
            faults.add(
                "poses have frames that the video has not",
                expected=f"frames 0..{n_video - 1}",
                got=f"frames {first}..{last}",
                todo="check that they belong together",
            )
        elif last >= n_video:
            warn_user(
                f"recording '{self.id}': {last - n_video + 1} pose rows after the end of the video have no picture"
            )
        elif n_video - (last - first + 1) > max(2, 0.001 * n_video):
            warn_user(
                f"recording '{self.id}': poses cover frames {first}-{last} of {n_video} "
                f"({(last - first + 1) / n_video:.0%}); what is not covered is missing"
            )

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the end of the last sample of poses, traces or labels."""
        if self.has("poses") or self.has("traces"):
            time = (self.need("poses") if self.has("poses") else self.need("traces"))["time"].values
            return float(sample_stops(time)[-1] - time[0]) if time.size > 1 else 0.0
        return self.need("labels").stop_s if self.has("labels") else float("nan")

    def _repr_html_(self) -> str:
        keys = {k: getattr(self, k) for k in ("animal", "group", "day", "session")}
        return shown_as_html(f"Recording {self.id}", {**keys, "holds": ", ".join(n for n in NOUNS if self.has(n))})

    def __repr__(self) -> str:
        nouns = ", ".join(n for n in NOUNS if self.has(n))
        return f"Recording({self.id!r}, animal={self.animal!r}, group={self.group!r}; {nouns})"


def _checked(noun: str, value: Any, owner: str) -> Any:
    """Check one noun at the door."""
    if value is None:
        return None
    if noun == "poses":
        return validate_poses(value, owner)
    if noun == "events":
        return make_events(value, name=f"events of {owner}")
    wanted = {"labels": Labels, "zones": Zones, "traces": xr.DataArray, "spikes": Spikes, "video": Video}[noun]
    if (noun == "video" and isinstance(value, (str, bytes))) or hasattr(value, "__fspath__"):
        return Video(value)
    if not isinstance(value, wanted):
        fail(
            f"recording '{owner}'",
            f"{noun} has the wrong type",
            expected=wanted.__name__,
            got=type(value).__name__,
            todo=f"use murid's reader or constructor for {noun}",
        )
    return value
