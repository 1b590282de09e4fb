"""What every registered method must keep to, checked on small simulated recordings.

A new method passes here by being registered; `SMALL` makes its fit quick, nothing else is special.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import murid
from murid import simulate
from murid.data.clock import rate_of
from murid.data.errors import DataError, NotFittedError
from murid.data.recording import Recording
from murid.data.states import behaviour_names, to_multilabel, validate_states
from murid.methods.registry import method_class, method_names
from murid.methods.training_summary import without_scale

DOCS = Path(__file__).resolve().parents[2] / "docs" / "methods"
NAMES = method_names()
#: One method, one worker: what is fitted once is used by all tests of the method.
CASES = [pytest.param(name, marks=pytest.mark.xdist_group(f"contract of {name}"), id=name) for name in NAMES]
#: Methods of which a second fit, or a second reading of film, takes seconds: those cases are slow tests.
LONG = ("selfee", "behavenet", "bsoid", "gbdt", "mars", "motionmapper", "dlcanalyzer")
AGAIN = [
    pytest.param(case.id, marks=[*case.marks, *([pytest.mark.slow] if case.id in LONG else [])], id=case.id)
    for case in CASES
]
#: Of the longer tests the default run has a few methods, the slow run all.
SOME = [
    c if c.id in ("gbdt", "kmeans", "rules") else pytest.param(*c.values, marks=[*c.marks, pytest.mark.slow], id=c.id)
    for c in CASES
]
FILMS = tempfile.TemporaryDirectory(prefix="murid_films_")

#: Parameters that make a fit quick; everything else stays at its default.
#: One thread: the workers of the tests leave no core free, and threads of trees wait for each other at full speed.
TREES = {"n_trees": 25, "min_leaf": 20, "n_threads": 1}
FILM = {"pictures": {"height": 32, "width": 32}, "rate_hz": 10.0, "kappa": 1000, "n_states": 5, "em_iterations": 5}
SMALL: dict[str, dict[str, Any]] = {
    "gbdt": {"trees": TREES, "folds": 2},
    "kmeans": {"n_motifs": 6, "replicates": 2},
    "alphatracker": {"n_motifs": 6},
    "motionmapper": {
        "per_track": 200,
        "n_templates": 200,
        "perplexity": 15,
        "max_regions": 6,
        "high_hz": 12,
        "iterations": 250,
    },
    "dbm": {"n_motifs": 6, "replicates": 2, "train": {"epochs": 10, "batch": 2, "lr": 0.01, "clip": 1.0}},
    "vame": {
        "n_motifs": 6,
        "latent": 8,
        "hidden": 32,
        "rate_hz": 20,
        "train": {"epochs": 8, "batch": 128, "lr": 3e-3},
    },
    "pyrat": {"n_motifs": 6, "n_prototypes": 400},
    "moseq": {"n_states": 15, "kappa": 4000, "em_iterations": 6, "sweeps": 4},
    "syllables": {"n_states": 15, "kappa": 4000, "em_iterations": 6, "sweeps": 4, "n_starts": 2},
    "bsoid": {"max_bins": 600, "n_neighbors": 15, "n_trees": 20, "smallest": (0.05, 0.1), "n_sizes": 5},
    "simba": {"forest": {**TREES, "max_rows": 2000}, "folds": 2},
    "mars": {"trees": TREES, "folds": 2},
    "jaaba": {"n_rounds": 30, "amount": "less", "folds": 2},
    "selfee": {
        **FILM,
        "widths": (8, 16, 32),
        "projection": 64,
        "train": {"epochs": 1, "batch": 64, "min_steps": 60, "drop_last": True, "lr": 0.003},
    },
    "behavenet": {
        **FILM,
        "widths": (8, 16, 16),
        "n_latents": 6,
        "train": {"epochs": 8, "batch": 32, "lr": 0.003},
    },
    "dlcanalyzer": {"net": {"epochs": 4, "hidden": (32, 16), "min_steps": 200}, "folds": 2},
}


def make(name: str, **more: Any) -> Any:
    return murid.method(name, **{**SMALL.get(name, {}), **more})


@cache
def recording(seed: int, *, fps: float = 25.0, n_animals: int = 1, duration_s: float = 50.0) -> Recording:
    made = simulate.recording(
        "open_field",
        duration_s=duration_s,
        fps=fps,
        n_animals=n_animals,
        behaviours=("walk", "rest", "rear", "groom"),
        seed=seed,
        id=f"r{seed}",
        animal=f"a{seed}",
    )
    return made


@cache
def filmed(seed: int, *, fps: float = 25.0, n_animals: int = 1, duration_s: float = 30.0) -> Recording:
    made = simulate.recording(
        "open_field",
        duration_s=duration_s,
        fps=fps,
        n_animals=n_animals,
        behaviours=("walk", "rest", "rear", "groom"),
        seed=seed,
        id=f"r{seed}",
        animal=f"a{seed}",
        px_per_cm=3,
    )
    return made.replace(video=simulate.video(made, Path(FILMS.name) / f"{seed}_{fps}_{n_animals}_{duration_s}.mp4"))


def quietly(call: Any, *given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given)


def of(name: str, seed: int = 9, **keys: Any) -> Recording:
    """A recording that has what the method needs."""
    return (filmed if "video" in method_class(name).about.needs else recording)(seed, **keys)


def training(name: str) -> tuple[Recording, ...]:
    return tuple(of(name, s) for s in (1, 2, 3))


def renamed(made: Recording) -> Recording:
    """Names that say nothing, with roles that say everything."""
    poses = made.need("poses")
    from murid.data.roles import guess_roles

    roles = guess_roles([str(k) for k in poses["keypoint"].values])
    new = {str(k): f"pt{i}" for i, k in enumerate(poses["keypoint"].values)}
    poses = poses.assign_coords(keypoint=[new[str(k)] for k in poses["keypoint"].values])
    return made.replace(poses=poses, roles={role: new[k] for role, k in roles.items()})


def gappy(made: Recording, seed: int = 5) -> Recording:
    poses = made.need("poses").copy(deep=True)
    rng = np.random.default_rng(seed)
    position, n = poses["position"].values, poses.sizes["time"]
    for start in rng.integers(0, n - 40, 12):
        position[start : start + rng.integers(3, 40), :, rng.integers(0, poses.sizes["keypoint"])] = np.nan
    position[200:260] = np.nan
    return made.replace(poses=poses)


@cache
def fitted(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(name).fit(training(name))


def agreement(a: xr.Dataset, b: xr.Dataset) -> float:
    """Share of equal samples; the faster clock is read at the slower one's times."""
    slow, fast = (a, b) if rate_of(a["time"]) <= rate_of(b["time"]) else (b, a)
    x = to_multilabel(slow["states"])
    y = to_multilabel(fast["states"]).sel(time=slow["time"], method="nearest")
    known = (x.values >= 0) & (y.values >= 0)
    return float((x.values == y.values)[known].mean())


@pytest.mark.parametrize("name", CASES)
def test_output_is_valid_and_on_the_clock_of_the_poses(name):
    unseen = of(name)
    out = fitted(name).apply(unseen)
    states = validate_states(out["states"])
    np.testing.assert_array_equal(states["time"].values, unseen.poses["time"].values)
    assert behaviour_names(states)
    assert (states.values >= 0).mean() > 0.9
    if "probability" in out:
        p = out["probability"].values
        assert out["probability"].dims == ("time", "individual", "behaviour")
        assert np.nanmin(p) >= 0
        assert np.nanmax(p) <= 1
    if "confidence" in out:
        assert np.nanmin(out["confidence"]) >= 0
        assert np.nanmax(out["confidence"]) <= 1


@pytest.mark.parametrize("name", [c for c in CASES if method_class(c.id).about.family == "supervised"])
def test_learns_what_was_planted(name):
    """Walking and rearing of the simulated mice are determined by the poses: an unseen animal must be told well."""
    from murid.evaluate import score

    unseen = of(name)
    result = score(unseen.labels, fitted(name).apply(unseen)["states"])
    f1 = result.table["f1"]
    assert f1["walk"] > 0.75, f1
    assert f1["rear"] > 0.55, f1


@pytest.mark.parametrize("name", AGAIN)
def test_same_seed_same_output_and_same_bytes_in_any_order_of_the_recordings(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = make(name).fit(training(name)[::-1])
    xr.testing.assert_identical(fitted(name).apply(of(name)), again.apply(of(name)))
    # Nothing of when, where and how quickly it was fitted stands in a model: else it is another model each time.
    first, second = fitted(name).save(tmp_path / "a"), again.save(tmp_path / "b")
    assert [f.name for f in sorted(first.iterdir())] == [f.name for f in sorted(second.iterdir())]
    differ = [f.name for f in first.iterdir() if f.read_bytes() != (second / f.name).read_bytes()]
    assert differ == []


@pytest.mark.parametrize("name", CASES)
def test_saved_and_loaded_gives_the_same_output(name, tmp_path):
    folder = fitted(name).save(tmp_path / "model")
    loaded = murid.load_method(folder)
    xr.testing.assert_identical(fitted(name).apply(of(name)), loaded.apply(of(name)))
    for file in folder.iterdir():
        head = file.read_bytes()[:2]
        assert not head.startswith(b"\x80"), f"{file.name} looks like a pickle"


@pytest.mark.parametrize("name", CASES)
def test_keypoint_names_do_not_matter(name):
    expected = fitted(name).apply(of(name))
    found = fitted(name).apply(renamed(of(name)))
    assert agreement(expected, found) > 0.999


@pytest.mark.parametrize("name", CASES)
def test_gaps_are_survived(name):
    out = fitted(name).apply(gappy(of(name)))
    validate_states(out["states"])
    assert agreement(fitted(name).apply(of(name)), out) > 0.8


@pytest.mark.parametrize("name", AGAIN)
def test_frame_rate_does_not_matter(name):
    slow, fast = fitted(name).apply(of(name)), fitted(name).apply(of(name, fps=50.0))
    assert agreement(slow, fast) > 0.85


@pytest.mark.parametrize("name", AGAIN)
def test_two_animals(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method = make(name).fit([of(name, seed, n_animals=2, duration_s=25.0) for seed in (1, 2)])
    out = method.apply(of(name, n_animals=2, duration_s=25.0))
    assert list(out["states"]["individual"].values) in (["mouse_1", "mouse_2"], ["all"])


@pytest.mark.parametrize("name", CASES)
def test_too_little_data_is_a_clear_error(name):
    tiny = of(name, 1, duration_s=0.2)
    if method_class(name).about.family == "rules":
        assert make(name).apply(tiny)["states"].sizes["time"] == 5
        return
    unfitted = make(name)
    with pytest.raises(DataError) as caught:
        quietly(unfitted.fit, [tiny])
    assert len(str(caught.value)) > 30
    with pytest.raises(DataError, match="no recordings"):
        make(name).fit([])


@pytest.mark.parametrize("name", CASES)
def test_missing_nouns_and_unfitted_use_are_clear_errors(name):
    empty = Recording("empty", labels=recording(1).labels)
    with pytest.raises(DataError, match=method_class(name).about.needs[0]):
        fitted(name).apply(empty)
    if method_class(name).about.family != "rules":
        with pytest.raises(NotFittedError):
            make(name).apply(of(name))


@pytest.mark.parametrize("name", CASES)
def test_wrong_parameters_are_named(name):
    with pytest.raises(DataError, match="unknown parameter 'see'"):
        murid.method(name, see=1)


@pytest.mark.parametrize("name", CASES)
def test_page_and_citation(name):
    card = method_class(name).card()
    assert card["cites"]
    assert card["title"]
    assert card["family"]
    page = DOCS / f"{name}.md"
    assert page.is_file(), f"write {page.name}"
    text = page.read_text()
    for row in card["params"]:
        assert f"`{row['name']}`" in text, f"{page.name} does not name the parameter {row['name']}"
    assert "Cite" in text
    assert "Differs" in text


def test_unknown_method_suggests_near_names():
    with pytest.raises(DataError, match="gbdt"):
        murid.method("gdbt")


@pytest.mark.parametrize("name", [c for c in CASES if method_class(c.id).about.family == "supervised"])
@pytest.mark.parametrize("how", ["never found", "never certain"])
def test_a_keypoint_that_is_never_tracked_is_refused(name, how):
    """A whole empty column must not make the method label the recording with whatever needs no such point."""
    made = of(name)
    poses = made.need("poses").copy(deep=True)
    nose = [str(k) for k in poses["keypoint"].values].index("nose")
    if how == "never found":
        poses["position"].values[:, :, nose] = np.nan
    else:
        poses["confidence"].values[:, nose] = 0.01
    with pytest.raises(DataError, match=r"keypoints are never tracked: nose.*in 1% of the frames.*nose 0.0%"):
        fitted(name).apply(made.replace(poses=poses))


@pytest.mark.parametrize("name", [c for c in CASES if method_class(c.id).about.family == "supervised"])
def test_what_a_model_was_made_for_is_checked_all_at_once(name):
    two = of(name, n_animals=2, duration_s=10.0)
    poses = two.need("poses").drop_sel(keypoint="ear_left")
    poses.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"} | {"unit": "px"}
    with pytest.raises(DataError, match=r"(?s)keypoints are missing: ear_left.*number of animals.*no scale"):
        fitted(name).apply(two.replace(poses=poses, zones=None))


def told_or_refused(name: str, made: Recording) -> str:
    """What is said when a model meets a recording: the error, or the warnings of what is made of it."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", UserWarning)
        try:
            fitted(name).apply(made)
        except DataError as exc:
            return str(exc)
    return "; ".join(str(w.message) for w in heard)


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ("rate", r"100 frames/s.*trained at 25 frames/s"),
        ("unit", "no scale"),
        ("keypoints", "nose"),
        ("animals", "animals"),
    ],
)
@pytest.mark.parametrize("name", SOME)
def test_whatever_a_model_was_made_for_is_said_when_it_differs(name, differs, expected):
    """Rate, unit, keypoints, number of animals: an error, or a warning that says what is made of it; never silence."""
    made = of(name)
    changed = {
        "rate": lambda: of(name, fps=100.0, duration_s=10.0),
        "unit": lambda: without_scale(made),
        "keypoints": lambda: made.replace(poses=made.need("poses").drop_sel(keypoint="nose")),
        "animals": lambda: of(name, n_animals=2, duration_s=10.0),
    }
    other = changed[differs]()
    assert re.search(expected, told_or_refused(name, other))
    if differs == "unit" and method_class(name).about.family != "supervised":
        # Lengths are taken in body lengths, as it says.
        assert agreement(fitted(name).apply(made), quietly(fitted(name).apply, other)) > 0.9


@pytest.mark.parametrize("name", SOME)
def test_nothing_is_said_of_a_recording_like_those_of_the_fit(name):
    assert told_or_refused(name, of(name)) == ""


@pytest.mark.parametrize("name", [c for c in CASES if method_class(c.id).about.family == "supervised"])
def test_what_an_animal_does_out_of_view_is_not_guessed(name):
    made = of(name)
    poses = made.need("poses").copy(deep=True)
    gone = poses["time"].values < 12.0
    poses["position"].values[gone] = np.nan
    out = fitted(name).apply(made.replace(poses=poses))
    assert (out["states"].values[gone] == -1).all()
    assert np.isnan(out["probability"].values[gone]).all()
    assert (out["states"].values[~gone] != -1).all()
