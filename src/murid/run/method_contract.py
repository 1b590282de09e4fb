"""What every method promises, checked on simulated animals: ``murid methods check NAME``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import MuridError, NotFittedError
from murid.data.recording import Recording
from murid.data.states import validate_states
from murid.methods import load_method, method, method_class

#: Files a saved method may consist of; anything else may hide a pickle.
PLAIN_FILES = {".json", ".safetensors", ".txt", ".npz"}
#: Share of time on which two frame rates must agree. Bout edges move by up to a frame, so never all of it.
AGREEMENT = 0.8
KEPT, FAILED, SKIPPED = "kept", "failed", "not checked"


class Broken(Exception):
    """A promise that is not kept; the text says how."""


def check_method(name: str, params: Mapping[str, Any] | None = None, *, seconds: float = 90.0) -> pd.DataFrame:
    """Check a method against the contract of all methods.

    Parameters
    ----------
    name : str
        Registered method.
    params : mapping, optional
        Parameters to check it with.
    seconds : float
        Length of the simulated recordings: three to learn from, one to apply to.

    Returns
    -------
    DataFrame
        One row a promise: ``promise, result`` (kept, failed, not checked), ``seconds, detail``.
    """
    cls = method_class(name)
    rows: list[dict[str, Any]] = []

    def promise(text: str, check: Callable[[], str | None]) -> bool:
        start, result = time.perf_counter(), KEPT
        try:
            detail = check() or ""
        except Broken as exc:
            result, detail = FAILED, str(exc)
        except MuridError as exc:
            result, detail = FAILED, f"unexpected error: {exc}"
        except Exception as exc:
            result, detail = FAILED, f"{type(exc).__name__}: {exc}"
        rows.append(
            {"promise": text, "result": result, "seconds": round(time.perf_counter() - start, 2), "detail": detail}
        )
        return result == KEPT

    promise("the card says what it is, cites, and why each parameter", lambda: _card(cls))
    lacking = sorted(set(cls.about.needs) - {"poses", "labels", "events", "zones", "video"})
    if lacking:
        rows.append(
            {
                "promise": "all others",
                "result": SKIPPED,
                "seconds": 0.0,
                "detail": f"needs {', '.join(lacking)}, which are not simulated here",
            }
        )
        return pd.DataFrame(rows)
    animals = _Animals(cls, params or {}, seconds)

    def promise_of_learning(text: str, check: Callable[[], str | None]) -> None:
        if cls.about.family == "rules":
            rows.append({"promise": text, "result": SKIPPED, "seconds": 0.0, "detail": "rules learn nothing"})
        else:
            promise(text, check)

    promise_of_learning("used before it is fitted, it says so", animals.unfitted)
    if promise("learns, and applies to a recording it has not seen", animals.learns):
        promise("same seed, same answer", animals.repeats)
        promise("saved and read again, same answer; no pickle", animals.survives)
        promise("gaps in the tracks are no obstacle", animals.bears_gaps)
        promise(f"another frame rate, same answer ({AGREEMENT:.0%} of the time)", animals.rate)
        promise("keypoints may have any names, when roles are given", animals.renamed)
        # An error counts only where enough data is none.
        promise_of_learning("too little data is one clear error", animals.too_little)
    return pd.DataFrame(rows)


def _card(cls: Any) -> None:
    card = cls.card()
    for key in ("title", "cites", "needs"):
        if not card[key]:
            raise Broken(f"the card has no {key}")
    mute = [row["name"] for row in card["params"] if not row["why"] and not _group(cls, row["name"])]
    if mute:
        raise Broken(f"parameters that do not say why: {', '.join(mute)}")


def _group(cls: Any, name: str) -> bool:
    """True when the parameter is a group of parameters, which say why themselves."""
    from murid.data.params import Params

    annotation = cls.Params.model_fields[name].annotation
    return isinstance(annotation, type) and issubclass(annotation, Params)


class _Animals:
    """Simulated recordings, a method fitted to them, and the promises."""

    def __init__(self, cls: Any, params: Mapping[str, Any], seconds: float) -> None:
        from murid import simulate

        self.cls, self.seconds = cls, seconds
        self.films = tempfile.TemporaryDirectory(prefix="murid_films_") if "video" in cls.about.needs else None
        known: dict[tuple[int, float, float], Recording] = {}

        def recording(k: int, fps: float = 25.0, s: float = seconds) -> Recording:
            if (k, fps, s) not in known:
                # A film shows pixels: 3 px/cm keep it small.
                scale = {"unit": "cm"} if self.films is None else {"unit": "px", "px_per_cm": 3.0}
                made = simulate.recording(duration_s=s, fps=fps, seed=k, id=f"r{k}", animal=f"a{k}", **scale)
                if self.films is not None:
                    made = made.replace(video=simulate.video(made, Path(self.films.name) / f"{k}_{fps}_{s}.mp4"))
                known[k, fps, s] = made
            return known[k, fps, s]

        self.recording = recording
        self.training = [self.recording(k) for k in (1, 2, 3)]
        self.unseen = self.recording(4).replace(labels=None)
        self.params = dict(params)
        # Rules define behaviours of their own, whatever those of the labels.
        learnt = "behaviours" in cls.Params.model_fields and cls.about.family != "rules"
        if learnt and "behaviours" not in params:
            seen = [set(r.need("labels").bouts["label"]) for r in self.training]
            self.params["behaviours"] = tuple(sorted(set.intersection(*seen)))[:4]

    def fitted(self, training: list[Recording] | None = None) -> Any:
        return method(self.cls.name, **self.params).fit(self.training if training is None else training)

    def unfitted(self) -> None:
        try:
            method(self.cls.name, **self.params).apply(self.unseen)
        except NotFittedError:
            return
        raise Broken("apply() before fit() raised no NotFittedError")

    def learns(self) -> None:
        self.model = self.fitted()
        self.out = self.model.apply(self.unseen)
        _valid(self.out, self.unseen)

    def repeats(self) -> None:
        _same(self.out, self.fitted().apply(self.unseen), "a second fit")
        _same(self.out, self.model.apply(self.unseen), "a second apply")

    def survives(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.model.save(Path(folder) / "model")
            strange = {p.suffix for p in Path(folder).rglob("*") if p.is_file()} - PLAIN_FILES
            if strange:
                raise Broken(f"files of unknown kind: {', '.join(sorted(strange))}")
            _same(self.out, load_method(Path(folder) / "model").apply(self.unseen), "the saved model")

    def bears_gaps(self) -> None:
        poses = self.unseen.need("poses").copy(deep=True)
        position = poses["position"].values
        n = len(position)
        rng = np.random.default_rng(0)
        lost = rng.random((n, *position.shape[2:])) < 0.05
        lost[n // 3 : n // 3 + int(2 * poses.attrs["fps"])] = True
        poses["position"].values = np.where(lost[:, None], np.nan, position)
        gappy = self.unseen.replace(poses=poses)
        _valid(self.model.apply(gappy), gappy)

    def rate(self) -> str:
        faster = self.recording(4, 40.0).replace(labels=None)
        out = self.model.apply(faster)
        _valid(out, faster)
        ours, theirs = self.out["states"], out["states"]
        nearest = np.abs(theirs["time"].values[None] - ours["time"].values[:, None]).argmin(1)
        a, b = ours.values, theirs.values[nearest]
        known = (a != -1) & (b != -1)
        share = float((a == b)[known].mean()) if known.any() else float("nan")
        if not share >= AGREEMENT:
            raise Broken(f"25 and 40 frames/s agree on {share:.0%} of the time")
        return f"{share:.1%}"

    def renamed(self) -> None:
        from murid.data.roles import guess_roles

        def rename(recording: Recording) -> Recording:
            names = [str(k) for k in recording.need("poses")["keypoint"].values]
            other = {name: f"point {k:02d}" for k, name in enumerate(names)}
            poses = recording.need("poses").assign_coords(keypoint=[other[n] for n in names])
            return recording.replace(poses=poses, roles={r: other[k] for r, k in guess_roles(names).items()})

        out = self.fitted([rename(r) for r in self.training]).apply(rename(self.unseen))
        _same(self.out, out, "other names")

    def too_little(self) -> str:
        try:
            self.fitted([self.recording(k, s=0.4) for k in (1, 2)])
        except MuridError as exc:
            return str(exc).splitlines()[0]
        raise Broken("0.4 s of recording were learnt from without an error")


def _valid(out: xr.Dataset, recording: Recording) -> None:
    validate_states(out["states"])
    time_s = recording.need("poses")["time"].values
    if out.sizes["time"] != len(time_s) or not np.allclose(out["time"].values, time_s):
        raise Broken("the states are not on the clock of the poses")
    if "probability" in out:
        p = out["probability"].values
        if np.nanmin(p) < 0 or np.nanmax(p) > 1:
            raise Broken(f"probabilities from {np.nanmin(p):.3g} to {np.nanmax(p):.3g}")
    if (out["states"].values == -1).all():
        raise Broken("no frame has a state")


def _same(a: xr.Dataset, b: xr.Dataset, what: str) -> None:
    for name in a.data_vars:
        x, y = a[name].values, b[name].values
        if x.shape != y.shape:
            raise Broken(f"{what}: {name} has another shape")
        exact = x.dtype.kind in "iub"
        equal = (x == y) if exact else np.isclose(x, y, rtol=1e-5, atol=1e-6, equal_nan=True)
        if not equal.all():
            raise Broken(f"{what}: {name} differs in {1 - equal.mean():.2%} of its values")
