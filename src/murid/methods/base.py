"""What every behaviour method is: parameters declared once, `fit`, `apply`, `save`, `load`, `card`.

A method is a composition of blocks from `prepare`, `features`, `learn` and `ethogram`. It subclasses
`Method`, declares `Params` and `card`, and writes four functions: `_fit`, `_apply`, `_dump`, `_restore`.

Adding a method
---------------
1. Write ``methods/supervised/<name>.py`` (or ``self_supervised``, ``motifs``) with one `Method` subclass, 50-250 lines.
2. Name it in `methods.registry.BUILT_IN` (outside packages: entry point group ``murid.methods``).
3. Write ``docs/methods/<name>.md``. `tests/methods/test_contract.py` runs the contract over the whole
   registry and fails when the page or the citation is missing.
"""

from __future__ import annotations

import abc
import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.atomic import atomic_folder
from murid.data.errors import DataError, Faults, NotFittedError, ParameterError, fail
from murid.data.formats import MODEL, writer_of
from murid.data.notebook_html import shown_as_html
from murid.data.params import Params
from murid.data.recording import Recording
from murid.data.warning import warn_user
from murid.methods.parameters import changed, flat, numpydoc, signature_of, with_nested
from murid.methods.training_summary import TrainingSummary

Family = Literal["supervised", "self-supervised", "unsupervised", "rules"]


@dataclass(frozen=True)
class Card:
    """What a method is, for people.

    Attributes
    ----------
    title : str
        One line.
    family : str
        ``supervised`` needs labels; the others do not.
    cites : tuple of str
        Papers to cite.
    needs : tuple of str
        Nouns a recording must have for `apply`; `fit` of a supervised method also needs labels.
    differs : tuple of str
        What is done differently from the original, and why.
    uses : tuple of str
        Nouns that are used where a recording has them, and not missed where it has not.
    """

    title: str
    family: Family
    cites: tuple[str, ...]
    needs: tuple[str, ...] = ("poses",)
    differs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


@dataclass
class Dump:
    """Everything a fitted method is, in forms that outlive the code: no pickle.

    Attributes
    ----------
    json : dict
        Plain values: class names, feature manifest, thresholds.
    arrays : dict of str to array
        Numbers; stored as safetensors.
    texts : dict of str to str
        Model files in their library's own text format (file name → content).
    """

    json: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


class Method(abc.ABC):
    """Base of every method.

    The signature and the *Parameters* section of a subclass are made from its ``Params``; ``get_params``,
    ``set_params`` and `sklearn.base.clone` work as for any estimator of scikit-learn.

    Examples
    --------
    >>> import murid
    >>> method = murid.method("kmeans", n_motifs=7)
    >>> method
    KMeans(n_motifs=7)
    >>> method.set_params(seed=3).get_params()["seed"]
    3
    """

    name: ClassVar[str]
    Params: ClassVar[type[Params]]
    about: ClassVar[Card]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the parameters of a new method in its signature and its docstring."""
        super().__init_subclass__(**kwargs)
        if "Params" in cls.__dict__:
            cls.__signature__ = signature_of(cls.Params)  # type: ignore[attr-defined]  # read by inspect.signature
            cls.__doc__ = f"{inspect.cleandoc(cls.__dict__.get('__doc__') or '')}\n\n{numpydoc(cls.Params)}".lstrip()

    def __init__(self, **params: Any) -> None:
        self.params = self.Params(**params)
        self.fitted = False
        self.training: dict[str, Any] = {}

    # ---- what a method writes -------------------------------------------------------------------
    @abc.abstractmethod
    def _fit(self, recordings: Sequence[Recording]) -> None:
        """Learn from checked recordings."""

    @abc.abstractmethod
    def _apply(self, recording: Recording) -> xr.Dataset:
        """Return `output(...)` for one checked recording."""

    @abc.abstractmethod
    def _dump(self) -> Dump:
        """Return everything that was learnt."""

    @abc.abstractmethod
    def _restore(self, dump: Dump) -> None:
        """Take back what `_dump` returned."""

    # ---- parameters, as in scikit-learn ---------------------------------------------------------
    def __repr__(self) -> str:
        return f"{type(self).__name__}({changed(self.params)})"

    def _repr_html_(self) -> str:
        about = self.about
        facts = {"learns": about.family, "needs": ", ".join(about.needs), "cites": "; ".join(about.cites)}
        facts |= {"fitted to": ", ".join(self.training.get("animals", [])) if self.fitted else "not fitted"}
        rows = pd.DataFrame(self.Params.table())
        rows.insert(1, "value", [repr(getattr(self.params, name)) for name in rows["name"]])
        return shown_as_html(f"{type(self).__name__}: {about.title}", facts, rows[["name", "value", "unit", "why"]])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; with `deep` also those of groups, as ``group__name``."""
        return flat(self.params) if deep else dict(self.params)

    def set_params(self, **params: Any) -> Self:
        """Change parameters (``group__name`` reaches into a group); the method has to be fitted again afterwards.

        Raises
        ------
        ParameterError
            Listing unknown names and values out of bounds.
        """
        type(self).__init__(self, **with_nested(self.params, params))
        return self

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted method with the same parameters (`sklearn.base.clone`)."""
        return type(self)(**self.get_params(deep=False))

    # ---- what users call ------------------------------------------------------------------------
    def fit(self, recordings: Recording | Sequence[Recording]) -> Self:
        """Learn from recordings; supervised methods read ``recording.labels``.

        The order in which recordings are given does not matter: they are taken by their id.

        Raises
        ------
        DataError
            Listing every recording that lacks what the method needs.
        """
        given = [recordings] if isinstance(recordings, Recording) else list(recordings)
        recordings = sorted(given, key=lambda r: r.id)
        self._check(recordings, fitting=True)
        self._fit(recordings)
        self.training = {
            "recordings": [r.id for r in recordings],
            "animals": sorted({r.animal for r in recordings}),
        }
        made_for = self._made_for(recordings)
        if made_for is not None:
            self.training["made_for"] = made_for.to_dict()
        self.fitted = True
        return self

    def _made_for(self, recordings: Sequence[Recording]) -> TrainingSummary | None:
        """Return what `apply` compares every recording with; None where the model itself holds it."""
        return TrainingSummary.of(recordings, in_body_lengths=True)

    def apply(self, recording: Recording) -> xr.Dataset:
        """Return the states of one recording, and where the method has them probability, latent, confidence.

        A recording that differs from what the method was fitted to (frame rate, unit, keypoints, number of animals,
        size of the body) is an error, or a warning that says what is made of it (`murid.methods.training_summary`).

        Returns
        -------
        Dataset
            ``states`` (see `murid.data.states`), ``probability (time, individual, behaviour)``,
            ``latent (time, individual, component)``, ``confidence (time, individual)`` in 0..1, and
            ``unseen (time, individual)``: 0..1, how unlike the training data a frame is.
        """
        if not self.fitted:
            raise NotFittedError(f"method '{self.name}' is not fitted -> call fit(recordings) or load a fitted model")
        self._check([recording], fitting=False)
        out = self._apply(recording)
        made_for = TrainingSummary.from_dict(self.training.get("made_for"))
        if made_for is not None:
            made_for.tell(recording, self.name)
        out.attrs.update(method=self.name, recording=recording.id)
        return out

    def save(self, folder: str | Path) -> Path:
        """Write the fitted method into `folder`: JSON, safetensors, text models; never pickle."""
        if not self.fitted:
            raise NotFittedError(f"method '{self.name}' is not fitted: nothing to save")
        from safetensors.numpy import save_file

        from murid import __version__

        dump, folder = self._dump(), Path(folder)
        head = {
            MODEL.key: MODEL.version,
            "method": self.name,
            "murid": __version__,
            "params": self.params.model_dump(mode="json"),
            "training": self.training,
            "fitted": dump.json,
        }
        with atomic_folder(folder) as temporary:
            (temporary / "params.json").write_text(json.dumps(head, indent=1), encoding="utf-8")
            (temporary / "card.json").write_text(json.dumps(self.card(), indent=1), encoding="utf-8")
            save_file({k: np.ascontiguousarray(v) for k, v in dump.arrays.items()}, temporary / "arrays.safetensors")
            for name, text in dump.texts.items():
                (temporary / name).write_text(text, encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote (see `murid.load_method`, which also finds the class)."""
        from safetensors.numpy import load_file

        folder, head = Path(folder), read_head(folder)
        if head["method"] != cls.name:
            fail("model", "is of another method", where=str(folder), expected=cls.name, got=head["method"])
        try:
            method = cls(**head["params"])
        except ParameterError as exc:
            fail(
                "model",
                f"was written by another murid ({writer_of(head)}), whose parameters are no longer those of {cls.name}",
                where=str(folder),
                got="; ".join(fault.what for fault in exc.faults),
                todo=f"{MODEL.remedy}, or install the murid that wrote it",
            )
        known = {"params.json", "card.json", "arrays.safetensors"}
        texts = {
            p.name: p.read_text(encoding="utf-8")
            for p in sorted(folder.iterdir())
            if p.is_file() and p.name not in known
        }
        try:
            method._restore(Dump(head["fitted"], load_file(folder / "arrays.safetensors"), texts))
        except (KeyError, FileNotFoundError) as exc:
            fail(
                "model",
                "a part is missing",
                where=str(folder),
                got=f"{exc}, written by murid, {writer_of(head)}",
                todo=f"copy the whole folder, or {MODEL.remedy}",
            )
        method.training, method.fitted = head.get("training", {}), True
        return method

    @classmethod
    def card(cls) -> dict[str, Any]:
        """What the method is, cites, needs, and how it differs; with its parameter table."""
        return {"name": cls.name, **asdict(cls.about), "params": cls.Params.table()}

    def learns_without_labels(self) -> bool:
        """Whether a method that needs labels gains something from recordings without."""
        return False

    def _check(self, recordings: Sequence[Recording], *, fitting: bool) -> None:
        """Check that the recordings have what the method needs; all faults in one error."""
        faults = Faults(f"method '{self.name}'")
        if not recordings:
            faults.add("no recordings", expected="at least one")
        ids = [r.id for r in recordings]
        for repeated in sorted({i for i in ids if ids.count(i) > 1}):
            faults.add(f"recording '{repeated}' is given more than once")
        needs = [*self.about.needs, *(["labels"] if fitting and self.about.family == "supervised" else [])]
        unlabelled = [r.id for r in recordings if "labels" in needs and not r.has("labels")]
        if unlabelled and len(unlabelled) < len(recordings):
            needs.remove("labels")
            if not self.learns_without_labels():
                warn_user(
                    f"{len(unlabelled)} of {len(recordings)} recordings have no labels and are not learnt from: "
                    f"{', '.join(unlabelled[:10])}"
                )
        for recording in recordings:
            for noun in needs:
                try:
                    recording.need(noun)
                except DataError as exc:
                    faults.add(str(exc))
        faults.raise_if_any()


def output(
    states: xr.DataArray,
    *,
    probability: np.ndarray | None = None,
    behaviours: Sequence[str] | None = None,
    latent: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
    unseen: np.ndarray | None = None,
    **attrs: Any,
) -> xr.Dataset:
    """Assemble what `_apply` returns.

    Parameters
    ----------
    states : DataArray
        From `murid.data.states.make_states`.
    probability : array (time, individual, behaviour), optional
        With `behaviours` naming the last axis (default: the states' own).
    latent : array (time, individual, component), optional
        Inner representation.
    confidence : array (time, individual), optional
        0..1 per frame.
    unseen : array (time, individual), optional
        How unlike the training data the frame is: share of training frames that were less strange, 0..1.
    """
    from murid.data.states import behaviour_names

    data: dict[str, Any] = {"states": states}
    if probability is not None:
        names = list(behaviours) if behaviours is not None else behaviour_names(states)
        data["probability"] = xr.DataArray(
            probability.astype(np.float32),
            dims=("time", "individual", "behaviour"),
            coords={
                "time": states["time"],
                "individual": states["individual"],
                "behaviour": np.asarray(names, dtype=object),
            },
        )
    if latent is not None:
        data["latent"] = (("time", "individual", "component"), latent.astype(np.float32))
    if confidence is not None:
        data["confidence"] = (("time", "individual"), confidence.astype(np.float32))
    if unseen is not None:
        data["unseen"] = (("time", "individual"), unseen.astype(np.float32))
    return xr.Dataset(data, attrs=attrs)


def read_head(folder: Path) -> dict[str, Any]:
    """Read and check ``params.json`` of a saved method."""
    path = Path(folder) / "params.json"
    if not path.is_file():
        fail("model", "no model here", where=str(folder), expected="a folder written by save()")
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as exc:
        fail("model", "params.json is damaged", where=str(path), got=str(exc), todo="copy the model again")
    return MODEL.migrated(head, str(path))
