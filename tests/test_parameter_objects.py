"""One way to give parameters: `f(…, params=None, **changes)`: an object, keywords, or keywords over the object."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import murid
from murid.data.errors import ParameterError
from murid.data.params import Params, param
from murid.data.poses import make_poses
from murid.features import FeatureParams, compute, feature_names
from murid.neural import (
    DecodingParams,
    PeriEventParams,
    TuningParams,
    combine,
    compute_perievent,
    compute_tuning,
    decode,
    decode_states,
)
from murid.prepare.depth import DepthParams, depth_recording
from murid.prepare.identity import IdentityParams, repair_identity
from murid.prepare.quality import QualityParams, assess_quality, keypoint_quality
from murid.prepare.transfer import transfer_function
from murid.stats.comparison import CompareParams, compare

SOURCE = Path(murid.__file__).parent


def optional_params(module: ModuleType, function: ast.FunctionDef) -> type[Params] | None:
    """Class of the parameters object that may be given as `params`, or None."""
    for argument in [*function.args.args, *function.args.kwonlyargs]:
        words = ast.unparse(argument.annotation).split(" | ") if argument.annotation else []
        declared = getattr(module, words[0], None) if words else None
        is_params = inspect.isclass(declared) and issubclass(declared, Params) and declared is not Params
        if is_params and words[1:] == ["None"] and argument.arg == "params":
            return declared
    return None


def settles(function: ast.FunctionDef, declared: type[Params]) -> bool:
    """True when the function builds its parameters by `Declared.of(…, changes)`, or hands its keywords on."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) == f"{declared.__name__}.of" and "changes" in map(ast.unparse, node.args):
                return True
            if any(k.arg is None and ast.unparse(k.value) == "changes" for k in node.keywords):
                return True
    return False


def functions(root: Path) -> Iterator[tuple[str, ModuleType, ast.FunctionDef]]:
    """Public functions of all modules that write of parameters."""
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "params:" not in text:
            continue
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield f"{name}.{node.name}", importlib.import_module(name), node


CASES = {
    name: (module, node, declared)
    for name, module, node in functions(SOURCE)
    if (declared := optional_params(module, node)) is not None
}


def test_the_search_sees_the_functions():
    assert {
        "murid.neural.tuning.compute_tuning",
        "murid.prepare.cleaning.clean",
        "murid.stats.comparison.compare",
        "murid.features.table.compute",
        "murid.learn.classify.forests.fit_forests",
    } <= CASES.keys()
    assert len(CASES) >= 29


@pytest.mark.parametrize("name", CASES)
def test_a_function_with_a_parameters_object_takes_keywords(name):
    module, node, declared = CASES[name]
    signature = inspect.signature(getattr(module, node.name))
    keywords = [p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]
    assert keywords, f"{name}(…, params=None, **changes): single parameters of {declared.__name__} are not taken"
    assert not declared.model_fields.keys() & signature.parameters.keys(), "an argument hides a parameter"
    assert settles(node, declared), (
        f"{name} does not settle its parameters with {declared.__name__}.of(params, changes)"
    )
    text = inspect.getdoc(getattr(module, node.name)) or ""
    assert "Parameters\n---" not in text or f"**{keywords[0]}" in text, "its keywords are not described"


class Smooth(Params):
    window_s: float = param(0.2, gt=0)
    order: int = param(2)


def test_keywords_go_over_the_object_and_over_the_defaults():
    assert Smooth.of(None, {}) == Smooth()
    assert Smooth.of(None, {"order": 3}) == Smooth(order=3)
    assert Smooth.of(Smooth(window_s=1), {"order": 3}) == Smooth(window_s=1, order=3)
    assert Smooth.of(Smooth(window_s=1, order=5), {"order": 3}, window_s=2) == Smooth(window_s=2, order=3)
    given = Smooth(window_s=1)
    assert Smooth.of(given, {}) is given


def test_wrong_parameters_are_one_error():
    with pytest.raises(ParameterError, match=r"unknown parameter 'windows_s'.*did you mean 'window_s'"):
        Smooth.of(None, {"windows_s": 1})
    with pytest.raises(ParameterError, match=r"'params' is not valid.*expected Smooth.*got dict.*pass \*\*params"):
        Smooth.of({"window_s": 1}, {})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"'params' is not valid.*expected Smooth.*got QualityParams"):
        Smooth.of(QualityParams(), {})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"'order' is settled by the function"):
        Smooth.of(None, {"order": 3}, order=1)


def walking(n: int = 400, animals: int = 1):
    steps = np.random.default_rng(0).normal(0, 0.3, (n, 2, 1, animals)).cumsum(axis=0)
    body = np.array([3.0, 0.0, -3.0])[None, None, :, None] + 15 * np.arange(animals)
    names = [f"m{i}" for i in range(animals)]
    sure = np.full((n, 3, animals), 0.7, np.float32)
    return make_poses(
        steps + body, sure, keypoints=["nose", "centre", "tail_base"], individuals=names, fps=30, unit="cm"
    )


def swapped():
    poses = walking(animals=2)
    poses["position"][200:] = poses["position"].values[200:, :, :, ::-1]
    return poses


def neurons():
    codes = np.repeat(np.arange(60) % 2, np.random.default_rng(1).integers(10, 40, 60))
    noise = np.random.default_rng(2).standard_normal((codes.size, 3))
    traces = murid.make_traces(codes[:, None] + noise, rate_hz=10)
    return traces, murid.make_states(codes, traces["time"].values, ["rest", "rear"])


def target():
    traces, _ = neurons()
    return traces, traces.rename(unit="component")


def measured():
    values = np.random.default_rng(3).normal(size=12)
    return pd.DataFrame({"animal": [f"a{i}" for i in range(12)], "group": ["x", "y"] * 6, "distance": values})


def depth():
    frames = np.full((20, 40, 40), 600, np.uint16)
    for i, frame in enumerate(frames):
        frame[10:24, i : i + 18] = 560
    return frames


#: Function called with its parameters → what it gives; an object; and the same as keywords.
CALLS: dict[str, tuple[Callable, Params]] = {
    "tuning": (lambda *a, **k: compute_tuning(*neurons(), **named(a), **k).table, TuningParams(statistic="mi")),
    "decode": (lambda *a, **k: decode(*target(), *a, **k).r2, DecodingParams(lags_s=0, n_null=0, gap_s=3)),
    "states": (
        lambda *a, **k: decode_states(*neurons(), *a, **k).balanced_accuracy,
        DecodingParams(lags_s=0, n_null=0),
    ),
    "perievent": (
        lambda *a, **k: compute_perievent(neurons()[0], [30.0, 60.0], **named(a), **k).average().values,
        PeriEventParams(before_s=1, after_s=1, bin_s=0.5),
    ),
    "quality": (
        lambda *a, **k: assess_quality(walking(), *a, **k),
        QualityParams(min_confidence=0.9),
    ),
    "keypoints": (lambda *a, **k: keypoint_quality(walking(), *a, **k), QualityParams(min_confidence=0.9)),
    "identity": (lambda *a, **k: repair_identity(swapped(), *a, **k)[1], IdentityParams(margin=1e6)),
    "depth": (
        lambda *a, **k: depth_recording("r", depth(), 30, *a, **k).poses.position.values,
        DepthParams(mm_per_px=2),
    ),
    "features": (
        lambda *a, **k: compute(walking(), "m0", *a, **k).values,
        FeatureParams(families=("kinematics",), windows_s=(), lags_s=()),
    ),
    "names": (
        lambda *a, **k: feature_names(["nose", "tail_base"], *a, **k)["feature"].values,
        FeatureParams(families=("kinematics",), windows_s=()),
    ),
    "transfer": (lambda *a, **k: transfer_function(*a, fps=30.0, **k), murid.prepare.CleanParams(smoothing="none")),
    "compare": (
        lambda *a, **k: str(compare(measured(), "distance", "group", **named(a), **k)),
        CompareParams(level=0.8),
    ),
}


def named(given: tuple) -> dict:
    return {"params": given[0]} if given else {}


@pytest.mark.parametrize("name", CALLS)
def test_keywords_and_object_give_the_same(name):
    call, params = CALLS[name]
    changed = {k: v for k, v in params if v != getattr(type(params)(), k)}
    by_object, by_keyword, by_default = call(params), call(**changed), call()
    assert same(by_object, by_keyword)
    assert not changed or not same(by_object, by_default), "the case proves nothing: the defaults give the same"


def same(a, b) -> bool:
    if isinstance(a, pd.DataFrame):
        return a.equals(b)
    return bool(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"))


def test_what_a_function_settles_is_refused_as_keyword():
    with pytest.raises(ParameterError, match=r"'lags_s' is settled by the function"):
        combine(*target(), None, lags_s=1.0)
