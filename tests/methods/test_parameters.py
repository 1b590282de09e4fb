"""Every method shows its parameters: signature, docstring, repr, get_params, set_params, clone."""

import inspect

import pytest
from sklearn.base import clone

from murid.data.errors import DataError
from murid.data.params import Params
from murid.methods import method, method_class, method_names
from murid.methods.parameters import changed

NAMES = method_names()


@pytest.mark.parametrize("name", NAMES)
def test_signature_and_docstring_name_every_parameter(name):
    cls = method_class(name)
    shown = inspect.signature(cls).parameters
    assert list(shown) == list(cls.Params.model_fields)
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in shown.values())
    text = inspect.getdoc(cls)
    assert "\nParameters\n----------\n" in text
    for row in cls.Params.table():
        assert f"\n{row['name']} : {row['type']}, default " in text
    assert shown["seed"].default == 0 if "seed" in shown else name == "rules"


@pytest.mark.parametrize("name", NAMES)
def test_repr_names_what_is_changed_and_nothing_else(name):
    cls = method_class(name)
    assert repr(method(name)) == f"{cls.__name__}()"
    group, inner, value = next(
        (
            (g, i, v + 1)
            for g, inside in method(name).get_params(deep=False).items()
            if isinstance(inside, Params)
            for i, v in inside
            if type(v) is int and v > 1
        ),
        (None, None, None),
    )
    if group is not None:
        one = method(name).set_params(**{f"{group}__{inner}": value})
        kind = type(getattr(one.params, group))
        assert f"{group}={kind.__name__}(" in repr(one)
        assert f"{inner}={value}" in repr(one)
        assert eval(repr(one), {cls.__name__: cls, kind.__name__: kind}).params == one.params


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_read_set_and_cloned_as_in_scikit_learn(name):
    one = method(name)
    deep = one.get_params()
    assert set(one.get_params(deep=False)) == set(type(one).Params.model_fields)
    groups = [k for k, v in deep.items() if isinstance(v, Params)]
    assert all(any(k.startswith(f"{g}__") for k in deep) for g in groups)
    other = clone(one)
    assert other is not one
    assert other.params == one.params
    assert type(one)(**one.get_params(deep=False)).params == one.params
    with pytest.raises(DataError, match="unknown parameter 'sed'"):
        one.set_params(sed=1)


def test_set_params_takes_the_fit_back(fitted):
    one = clone(fitted)
    one.fitted = True
    assert one.set_params(trees__n_trees=7, seed=2) is one
    assert not one.fitted
    assert (one.params.trees.n_trees, one.params.seed) == (7, 2)
    assert one.params.trees.n_threads == fitted.params.trees.n_threads


def test_a_long_value_is_cut():
    assert len(changed(method("rules", rules="a:\n when speed_body < 1 cm/s\n" + "# x\n" * 50).params)) < 90
