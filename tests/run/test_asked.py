"""Another value of an argument is another request: an unfinished run of the one is not gone on with for the other."""

from __future__ import annotations

import inspect
import shutil
from types import SimpleNamespace

import pytest
import run_work as work

from murid.data.labels import LabelChoice
from murid.run import (
    Run,
    apply_method,
    check_study,
    compare_motifs,
    evaluate_methods,
    explain_model,
    fit_method,
    propose_bouts,
    run_analysis,
    write_films,
)
from murid.run.runs import digest

#: Arguments that change no result, or what is written where; what is left out by `skip_failed` stands in the ids.
NO_RESULT = {"study", "workers", "replace", "skip_failed"}
IDS = {"ids": ["r0", "r1", "r2"]}

#: Function → its first arguments, and for each further one another value than the default, or a few together.
REQUESTS = {
    check_study: ({}, [IDS]),
    run_analysis: (
        {"name": "budget"},
        [
            *[IDS, {"name": "agreement"}, {"params": {"start_s": 1.0}}, {"compare": "day"}, {"measures": ["bouts"]}],
            *[{"alpha": 0.01}, {"individual": "a"}, {"seed": 1}, {"states_from": "k"}],
            {"labels": LabelChoice(rater="me")},
        ],
    ),
    fit_method: ({"name": "tiny"}, [IDS, {"name": "kmeans"}, {"params": {"margin": 2.0}}, {"model": "other"}]),
    apply_method: ({"model": "k"}, [IDS, {"model": "other"}, {"model": "elsewhere/k"}, {"alpha": 0.01}]),
    evaluate_methods: (
        {"names": "tiny"},
        [
            *[IDS, {"names": ["tiny", "half"]}, {"params": {"tiny": {"margin": 2.0}}}, {"group": "id"}, {"folds": 3}],
            *[{"train": ["r0"]}, {"test": ["r1"]}, {"behaviours": ["rear"]}, {"others": "negative"}, {"rater": "me"}],
            *[{"stream": "x"}, {"leaky": True}, {"rare": "ignore"}, {"alpha": 0.01}, {"seed": 1}],
        ],
    ),
    compare_motifs: (
        {"names": ["kmeans"]},
        [
            *[IDS, {"names": ["pyrat"]}, {"params": {"kmeans": {"n_motifs": 4}}}, {"behaviours": ["rear"]}],
            *[{"rater": "me"}, {"stream": "x"}, {"seeds": 3}, {"halves": False}, {"robust": True}, {"seed": 1}],
        ],
    ),
    explain_model: (
        {"model": "k"},
        [
            *[{"model": "other"}, {"model": "elsewhere/k"}, {"recording": "r0", "time_s": 1.0}, {"n_frames": 5}],
            *[
                {"recording": "r0", "time_s": 2.0},
                {"behaviour": "rear"},
                {"individual": "a"},
                {"folds": 3},
                {"seed": 1},
            ],
        ],
    ),
    propose_bouts: (
        {"model": "k"},
        [
            *[IDS, {"model": "other"}, {"model": "elsewhere/k"}, {"params": {"n": 3}}],
            *[{"refit": False}, {"curve": False}],
        ],
    ),
    write_films: (
        {"model": "k"},
        [
            *[IDS, {"model": "other"}, {"behaviours": ["rear"]}, {"clips": 4}, {"least_s": 0.2}, {"before_s": 0.2}],
            *[{"after_s": 1.0}, {"size": 64}, {"speed": 0.5}, {"seed": 1}],
        ],
    ),
}


class Asked(Exception):
    """Carries what a run was asked for, instead of the run."""


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """A study with the models ``k``, ``other``, and a ``k`` of another study beside it."""
    from murid.methods import registry

    study = work.labelled_study(tmp_path_factory.mktemp("asked") / "S", n=4, seconds=10.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BUILT_IN, "tiny", "run_tiny:Tiny")
        patch.setitem(registry.BUILT_IN, "half", "run_tiny:Half")
        registry.method_names.cache_clear()
        for margin, model in ((1.0, "k"), (1.5, "other"), (2.0, "third")):
            fit_method(study, "tiny", {"margin": margin}, model=model)
        shutil.move(study.models_dir / "third", study.folder.parent / "elsewhere" / "k")
        yield study
    registry.method_names.cache_clear()


def asked(study, function, given, monkeypatch):
    """Fingerprint of the request; nothing is done."""

    def start(_study, command, params, _name=""):
        raise Asked(digest({"command": command, "params": params}))

    monkeypatch.setattr(Run, "start", start)
    # Films are made of the states of a run; which one stands for what was applied.
    module = inspect.getmodule(write_films)
    applied = lambda _study, folder, _owner: SimpleNamespace(folder=folder, summary={"model": folder.name})  # noqa: E731
    monkeypatch.setattr(module, "newest_applied", applied)
    monkeypatch.setattr(module, "_filmed", lambda _study, _run, ids: (dict.fromkeys(ids or study.ids), {}))
    monkeypatch.setattr(module, "_bouts", lambda *_: None)
    monkeypatch.chdir(study.folder.parent)
    with pytest.raises(Asked) as request:
        function(study, **given)
    return str(request.value)


@pytest.mark.parametrize("function", REQUESTS, ids=lambda f: f.__name__)
def test_another_value_is_another_request(function, studied, monkeypatch):
    first, changes = REQUESTS[function]
    tried = {name for change in changes for name in change}
    assert tried == set(inspect.signature(function).parameters) - NO_RESULT
    requests = [asked(studied, function, {**first, **change}, monkeypatch) for change in ({}, *changes)]
    assert not [c for c, r in zip(changes, requests[1:], strict=True) if requests.count(r) > 1]
    assert asked(studied, function, first, monkeypatch) == requests[0]
