"""From recordings to ``X, y, groups`` for any learner of scikit-learn, and back to each recording's clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.bouts import EVERYONE
from murid.data.clock import nearest_sample, spans
from murid.data.errors import Faults, fail
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, make_states
from murid.features.params import FeatureParams
from murid.features.table import compute_rows

#: Levels of the index of every table: which recording, which individual, when.
INDEX = ("recording", "individual", "time_s")
#: Class of the scored rows in which none of several behaviours happens.
NONE = "none"


class FeatureTable:
    """Turn recordings into a table for scikit-learn, and predictions back into arrays on their clocks.

    Parameters
    ----------
    params : FeatureParams, optional
        What the table holds; defaults when None.
    sample_hz : float, optional
        Rows a second. Neighbouring frames say the same twice; 8 Hz keeps what lasts a quarter of a second.
        None: every frame.
    subject : {"auto", "each", "all"}
        ``"each"``: rows of every individual towards its partners; ``"all"``: the animals together, in no
        order. ``"auto"``: together where the labels are those of all animals together, else each.

    Attributes
    ----------
    feature_names_, units_ : list of str
        After `fit`: the columns and their units, the same in every recording.
    index_ : MultiIndex
        Rows of the last table that was made: recording, individual, time in s.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import StandardScaler
    >>> from murid import simulate
    >>> recordings = [simulate.recording(duration_s=30, seed=i, unit="cm", id=f"r{i}") for i in range(2)]
    >>> table = FeatureTable(FeatureParams(families=("kinematics",), windows_s=(), lags_s=()), sample_hz=8)
    >>> X, y, groups = table.fit_transform(recordings, behaviour="walk")
    >>> len(X) == len(y) == len(groups), sorted(set(groups.tolist()))
    (True, ['r0', 'r1'])
    >>> X = StandardScaler().fit_transform(X.fillna(0))
    >>> p = LogisticRegression().fit(X, y).predict_proba(X)
    >>> table.inverse_transform(p, recordings, behaviour="walk")["r0"].dims
    ('time', 'individual', 'behaviour')
    """

    def __init__(
        self,
        params: FeatureParams | None = None,
        *,
        sample_hz: float | None = 8.0,
        subject: Literal["auto", "each", "all"] = "auto",
    ) -> None:
        if sample_hz is not None and not sample_hz > 0:
            fail("FeatureTable", "sample_hz is not valid", expected="> 0 Hz, or None", got=str(sample_hz))
        self.params = params or FeatureParams()
        self.sample_hz = sample_hz
        self.subject = subject

    def __repr__(self) -> str:
        return f"FeatureTable(sample_hz={self.sample_hz}, subject={self.subject!r})"

    def fit(self, recordings: Iterable[Recording]) -> FeatureTable:
        """Settle the columns: every recording must give the same ones in the same units.

        Raises
        ------
        DataError
            Recordings without poses, or with other columns or units than the first, each with what differs.
        """
        self.transform(recordings, _settle=True)
        return self

    def transform(self, recordings: Iterable[Recording], *, _settle: bool = False) -> pd.DataFrame:
        """Return the features of all rows ``(row, feature)``, indexed by recording, individual and time in s.

        Float32; NaN where a feature is not defined. Units are in ``X.attrs["units"]``.
        """
        recordings = _checked(recordings)
        parts = [self._rows_of(r, individual) for r in recordings for individual in self._subjects(r)]
        if _settle or not hasattr(self, "feature_names_"):
            self.feature_names_ = [str(n) for n in parts[0][1]["feature"].values]
            self.units_ = [str(u) for u in parts[0][1]["unit"].values]
        self._check_columns(parts)
        index = pd.MultiIndex.from_tuples(
            [(id_, str(one.attrs["subject"]), float(t)) for id_, one in parts for t in one["time"].values], names=INDEX
        )
        table = pd.DataFrame(
            np.concatenate([one.values for _, one in parts]), index=index, columns=list(self.feature_names_)
        )
        table.attrs["units"] = dict(zip(self.feature_names_, self.units_, strict=True))
        self.index_ = index
        return table

    def fit_transform(
        self, recordings: Iterable[Recording], behaviour: str | Sequence[str]
    ) -> tuple[pd.DataFrame, NDArray, NDArray]:
        """Return features, labels and groups of the labelled rows.

        Parameters
        ----------
        recordings : iterable of Recording
            With poses (best cleaned) and labels.
        behaviour : str or sequence of str
            One: labels are 1 (present) and 0. Several that exclude each other: labels are their names, and
            ``"none"`` where a row is scored and none of them happens.

        Returns
        -------
        X : DataFrame (row, feature)
            Only the rows that were scored.
        y : array (row,)
        groups : array of str (row,)
            The animal of each row: give it to every split, so that no animal is on both sides.

        Raises
        ------
        DataError
            No labels, a behaviour that no recording has, several behaviours at one time.
        """
        recordings = _checked(recordings)
        self._check_labels(recordings, [behaviour] if isinstance(behaviour, str) else list(behaviour))
        table = self.transform(recordings, _settle=True)
        y = np.concatenate([self._labels_of(table, r, i, behaviour) for r in recordings for i in self._subjects(r)])
        scored = np.array([value != UNLABELLED and value is not None for value in y])
        animals = {r.id: r.animal for r in recordings}
        groups = np.array([animals[id_] for id_ in table.index.get_level_values("recording")])
        self.index_ = pd.MultiIndex.from_tuples(table.index[scored].tolist(), names=INDEX)
        kept = table.loc[scored]
        kept.attrs.update(table.attrs)
        values = y[scored]
        return kept, values.astype(np.int8 if isinstance(behaviour, str) else str), groups[scored]

    def inverse_transform(
        self,
        values: ArrayLike,
        recordings: Iterable[Recording],
        *,
        behaviour: str | Sequence[str] = "behaviour",
        rows: pd.MultiIndex | None = None,
    ) -> dict[str, xr.DataArray]:
        """Bring predictions onto each recording's own clock.

        Parameters
        ----------
        values : array (row,) or (row, class)
            Labels as in ``y``, or probabilities as from ``predict_proba`` (of one behaviour: absent, present).
        recordings : iterable of Recording
        behaviour : str or sequence of str
            Name of the behaviour; of several their names in the order of the classes (``model.classes_``).
        rows : MultiIndex, optional
            ``X.index``; that of the last table made by default.

        Returns
        -------
        dict of str to DataArray
            Recording → States from labels, or probabilities ``(time, individual, behaviour)``. A frame takes
            the row nearest in time; frames farther from every row than half a row's span are −1 or NaN.

        Raises
        ------
        DataError
            Another number of values than rows, or of classes than names.
        """
        index = self._index(rows)
        array = np.asarray(values)
        names = [behaviour] if isinstance(behaviour, str) else [str(b) for b in behaviour]
        if len(array) != len(index):
            fail(
                "FeatureTable",
                "the values do not fit the rows",
                expected=f"{len(index)}, as in the last table",
                got=str(len(array)),
                todo="give the rows: inverse_transform(..., rows=X.index)",
            )
        probability = _probabilities(array, names) if array.ndim == 2 else None
        out = {}
        for recording in _checked(recordings):
            people = self._subjects(recording)
            time = np.asarray(recording.need("poses")["time"].values, np.float64)
            columns = [self._at(index, recording.id, person, time) for person in people]
            if probability is None:
                codes = _codes(array, names)
                states = np.stack([np.where(at >= 0, codes[np.maximum(at, 0)], UNLABELLED) for at in columns], axis=1)
                # One behaviour is multi-label: present, absent; several that exclude each other are codes.
                shaped = states if len(names) > 1 else states[:, :, None]
                out[recording.id] = make_states(shaped, time, names, people)
                continue
            taken = [np.where(at[:, None] >= 0, probability[np.maximum(at, 0)], np.nan) for at in columns]
            out[recording.id] = xr.DataArray(
                np.stack(taken, axis=1).astype(np.float32),
                dims=("time", "individual", "behaviour"),
                coords={"time": time, "individual": people, "behaviour": names},
            )
        return out

    def _index(self, rows: pd.MultiIndex | None) -> pd.MultiIndex:
        if rows is None and not hasattr(self, "index_"):
            fail("FeatureTable", "no table was made", todo="call fit_transform or transform first")
        return self.index_ if rows is None else rows

    def _subjects(self, recording: Recording) -> list[str]:
        names = individual_names(recording.need("poses"))
        if self.subject == "all" or (
            self.subject == "auto"
            and len(names) > 1
            and recording.has("labels")
            and set(recording.need("labels").individuals) == {EVERYONE}
        ):
            return [EVERYONE]
        return names

    def _rows_of(self, recording: Recording, individual: str) -> tuple[str, xr.DataArray]:
        poses = recording.need("poses")
        time = np.asarray(poses["time"].values, np.float64)
        rows = np.arange(time.size)
        if self.sample_hz is not None:
            wanted = np.arange(time[0], time[-1] + 0.5 / self.sample_hz, 1.0 / self.sample_hz)
            rows = np.unique(nearest_sample(time, wanted))
        zones = recording.need("zones") if recording.has("zones") else None
        return recording.id, compute_rows(poses, individual, rows, self.params, recording.roles or None, zones)

    def _check_columns(self, parts: Sequence[tuple[str, xr.DataArray]]) -> None:
        faults = Faults("FeatureTable")
        wanted = dict(zip(self.feature_names_, self.units_, strict=True))
        for id_, one in parts:
            got = dict(zip(map(str, one["feature"].values), map(str, one["unit"].values), strict=True))
            if list(got) != list(wanted):
                lacking, more = [n for n in wanted if n not in got], [n for n in got if n not in wanted]
                differ = (
                    f"lacks {', '.join(lacking[:3]) or 'none'} ({len(lacking)}); has {', '.join(more[:3]) or 'none'}"
                )
                faults.add(
                    "gives other features",
                    where=f"recording '{id_}'",
                    expected=f"{len(wanted)} columns",
                    got=differ,
                    todo="take families that all recordings can give: same keypoints, partners and zones",
                )
            elif got != wanted:
                name = next(n for n in wanted if got[n] != wanted[n])
                faults.add(
                    "has other units",
                    where=f"recording '{id_}'",
                    expected=f"{name} in {wanted[name]}",
                    got=got[name],
                    todo="calibrate all recordings, or use FeatureParams(length='body')",
                )
        faults.raise_if_any()

    def _check_labels(self, recordings: Sequence[Recording], behaviours: Sequence[str]) -> None:
        faults = Faults("FeatureTable")
        known: dict[str, None] = {}
        for recording in recordings:
            known |= dict.fromkeys((*recording.need("labels").behaviours, *recording.need("labels").vocabulary))
        for name in behaviours:
            if name not in known:
                faults.add(f"no recording has the behaviour '{name}'", expected=", ".join(known) or "labels")
        faults.raise_if_any()

    def _labels_of(
        self, table: pd.DataFrame, recording: Recording, individual: str, behaviour: str | Sequence[str]
    ) -> NDArray:
        """Labels at the rows of one individual; −1 or None where not scored."""
        names = [behaviour] if isinstance(behaviour, str) else list(behaviour)
        time = np.asarray(recording.need("poses")["time"].values, np.float64)
        states = recording.need("labels").to_states(time, names, others="negative", individuals=[individual])
        own = table.index.get_level_values("recording") == recording.id
        own &= table.index.get_level_values("individual") == individual
        at = nearest_sample(time, table.index.get_level_values("time_s")[own])
        values = states.values[at, 0]
        if isinstance(behaviour, str):
            return values[:, 0].astype(object)
        if ((values == 1).sum(axis=1) > 1).any():
            row = int(np.argmax((values == 1).sum(axis=1) > 1))
            both = [n for n, v in zip(names, values[row], strict=True) if v == 1]
            fail(
                "FeatureTable",
                "behaviours overlap",
                where=f"recording '{recording.id}', {time[at[row]]:.3f} s",
                got=" and ".join(both),
                todo="make a table for each of them",
            )
        label = np.array([*names, NONE], dtype=object)[np.where((values == 1).any(1), (values == 1).argmax(1), -1)]
        label[(values == UNLABELLED).all(axis=1)] = None
        return label

    def _at(self, index: pd.MultiIndex, id_: str, individual: str, time: NDArray[np.float64]) -> NDArray[np.int64]:
        """Row of each frame; −1 where the nearest is farther away than half a row's span."""
        own = index.get_level_values("recording") == id_
        own &= index.get_level_values("individual") == individual
        rows = np.flatnonzero(own)
        if not rows.size:
            return np.full(time.size, -1)
        stamps = index.get_level_values("time_s")[rows].to_numpy(np.float64)
        order = np.argsort(stamps)
        near = nearest_sample(stamps[order], time) if rows.size > 1 else np.zeros(time.size, np.int64)
        span = np.nan_to_num(spans(time), nan=1.0)
        reach = span / 2 if self.sample_hz is None else np.maximum(0.5 / self.sample_hz, span / 2) + span / 2
        far = np.abs(stamps[order][near] - time) > reach + 1e-9
        return np.where(far, -1, rows[order][near])


def _checked(recordings: Iterable[Recording]) -> list[Recording]:
    out = list(recordings)
    if not out:
        fail("FeatureTable", "no recordings given")
    ids = [r.id for r in out]
    if len(set(ids)) < len(ids):
        fail("FeatureTable", "recordings of one id", got=", ".join(sorted({i for i in ids if ids.count(i) > 1})))
    return out


def _probabilities(array: NDArray, names: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities in the order of `names`; of one behaviour's two columns the second."""
    if len(names) == 1 and array.shape[1] == 2:
        return np.asarray(array[:, 1:], np.float64)
    if array.shape[1] != len(names):
        fail(
            "FeatureTable",
            "the classes do not fit the names",
            expected=f"{len(names)} columns ({', '.join(names)})",
            got=str(array.shape[1]),
            todo="give behaviour=model.classes_",
        )
    return np.asarray(array, np.float64)


def _codes(array: NDArray, names: Sequence[str]) -> NDArray[np.int64]:
    """Codes of labels: 1 and 0 of one behaviour, indices of several."""
    if len(names) == 1:
        return np.asarray(array, np.int64)
    place = {name: i for i, name in enumerate(names)}
    unknown = sorted({str(v) for v in array} - set(place))
    if unknown:
        fail("FeatureTable", "labels without a name", got=", ".join(unknown), todo="give behaviour=model.classes_")
    return np.array([place[str(v)] for v in array], np.int64)


__all__ = ["INDEX", "NONE", "FeatureTable"]
