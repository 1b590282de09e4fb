"""An option that somebody sets acts, or `fit` names it: over all methods that can be as the original, and both ways."""

from __future__ import annotations

import warnings
from dataclasses import fields

import numpy as np
import pytest
import xarray as xr

import murid
from murid import simulate
from murid.data.recording import Recording
from murid.data.warning import MuridWarning
from murid.learn.classify.dense import DenseParams
from murid.learn.classify.forests import ForestParams
from murid.methods import method_class, method_names
from murid.methods.supervised import stages
from murid.methods.supervised.decision import Decision
from murid.methods.supervised.ignored_options import NO_PART, as_original, warn_of_ignored
from murid.prepare import CleanParams
from tests.methods.supervised.acts import CASES

FAITHFUL = [n for n in method_names() if "faithful" in method_class(n).Params.model_fields]
#: Other values than the defaults, where a case of `CASES` has the default or what the original does.
OTHER = {"amount": "more", "exclusive": "yes", "clean": CleanParams(smoothing="median", window_s=0.4)}
#: A video that nobody looks into.
FILMED = [Recording("r1", animal="a", video=__file__)]


def probability():
    """A minute of two behaviours that flicker."""
    rng = np.random.default_rng(0)
    walk = np.clip(0.5 + 0.4 * np.sin(np.arange(900) / 40) + rng.normal(0, 0.2, 900), 0, 1)
    values = np.stack([walk, (1 - walk) * rng.uniform(0.5, 1, 900)], axis=1)[:, None]
    coords = {"time": np.arange(900) / 15, "individual": ["a"], "behaviour": ["walk", "rear"]}
    return xr.DataArray(values, dims=("time", "individual", "behaviour"), coords=coords)


def what_happens(model):
    """Everything by which an option can act: the parts of the recipe, its decisions, its labels."""
    recipe = model.recipe_for(FILMED)
    parts = {f.name: getattr(recipe, f.name) for f in fields(recipe) if f.name not in ("adjust", "to_states")}
    for name in ("refiner", "stacking"):
        parts[name] = repr(type(parts[name])), repr(vars(parts[name]) if hasattr(parts[name], "__dict__") else None)
    rule = Decision.plain(["walk", "rear"], exclusive=True, exhaustive=False, **recipe.form)
    adjusted = recipe.adjust(rule)
    states = recipe.to_states(adjusted, probability())
    labelling = model.labelling()
    if not recipe.weighted:
        labelling = (labelling.choice, labelling.group_by, labelling.folds, labelling.seed)
    return parts, adjusted, states.values.tobytes(), labelling, model.params.absent_s


def named(model, recordings=FILMED):
    """Options that the warnings of a fit name."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warn_of_ignored(model.name, model.params, model.ignored(recordings))
    return " ".join(str(w.message).partition("do nothing:")[2] for w in seen)


@pytest.mark.parametrize("faithful", [True, False])
@pytest.mark.parametrize("name", FAITHFUL)
def test_an_option_acts_or_is_named(name, faithful):
    case = CASES[method_class(name).Params]
    plain = murid.method(name, faithful=faithful)
    assert not named(plain)
    before, wrong, ignored = what_happens(plain), [], set()
    for option, value in case.others.items():
        if option == "faithful":
            continue
        value = OTHER.get(option, value)
        other = murid.method(name, faithful=faithful, **{option: value})
        acts, said = what_happens(other) != before, f"{option} (" in named(other)
        instead = {o: v for options in other.ignored(FILMED).values() for o, v in options.items()}
        holds_anyway = not said and instead.get(option, NO_PART) == value
        ignored |= {option} if said else set()
        if acts == said and not holds_anyway:
            wrong.append(f"{option}={value!r}: {'acts and is called ignored' if acts else 'does nothing, silently'}")
    assert not wrong, "\n".join(wrong)
    assert not faithful or {"sample_hz", "bout_weight"} <= ignored


def test_there_are_methods_as_the_original():
    assert set(FAITHFUL) >= {"simba", "jaaba", "mars", "dlcanalyzer"}


def test_pixels_without_video_are_named_with_the_recordings():
    blind = [*FILMED, Recording("r2", animal="b")]
    for faithful in (True, False):
        assert "pixels" in named(murid.method("mars", pixels="all", faithful=faithful), blind)
    assert not named(murid.method("mars", pixels="all"))
    assert not named(murid.method("mars"), blind)
    with pytest.warns(MuridWarning, match=r"mars: without video of r2 these options do nothing: pixels \('no' holds\)"):
        warn_of_ignored("mars", (m := murid.method("mars", pixels="all")).params, m.ignored(blind))


def test_a_fit_warns(monkeypatch):
    class StopHereError(Exception):
        pass

    def stop(*_):
        raise StopHereError

    monkeypatch.setattr(stages, "fit", stop)
    model = murid.method("simba", faithful=True, windows_s=(0.3,))
    said = pytest.warns(MuridWarning, match=r"simba: with faithful=True .* windows_s \(not used\)")
    with said, pytest.raises(StopHereError):
        model.fit([simulate.recording(duration_s=4, fps=15, behaviours=("walk", "rest"))])


def test_one_value_leaves_the_others_the_original_s():
    simba = murid.method("simba", faithful=True, forest=ForestParams(n_trees=40)).recipe().learning.params
    assert (simba.n_trees, simba.min_leaf, simba.max_rows, simba.balance) == (40, 1, None, 0)
    net = murid.method("dlcanalyzer", faithful=True, net={"epochs": 3}).recipe().learning.params
    assert (net.epochs, net.batch, net.min_steps, net.standardise, net.clip) == (3, 32, 1, False, None)
    assert murid.method("dlcanalyzer", net={"epochs": 3}).recipe().learning.params == DenseParams(epochs=3)
    assert as_original(DenseParams(batch=64), {"batch": 32, "clip": None}) == DenseParams(batch=64, clip=None)
