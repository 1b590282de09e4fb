"""Parameters of a method as Python shows them: signature, docstring, repr, and nested names as in scikit-learn."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from murid.data.params import Params

#: Longer values are cut in `changed`: the text of a whole rule file is no repr.
_LONGEST = 60


def signature_of(params: type[Params]) -> inspect.Signature:
    """Return a signature with every declared parameter, its type and its default, keyword-only.

    Parameters
    ----------
    params : type of Params

    Examples
    --------
    >>> from murid.data.params import Params, param
    >>> class Smooth(Params):
    ...     window_s: float = param(0.2, unit="s", why="shorter than any action", gt=0)
    >>> list(signature_of(Smooth).parameters)
    ['window_s']
    """
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if info.is_required() else info.get_default(call_default_factory=True),
                annotation=info.annotation,
            )
            for name, info in params.model_fields.items()
        ]
    )


def numpydoc(params: type[Params]) -> str:
    """Return the *Parameters* section of a docstring: type, default, unit, bounds and reason of each.

    Parameters
    ----------
    params : type of Params
    """
    lines = ["Parameters", "----------"]
    for row in params.table():
        default = row["default"] if len(row["default"]) <= _LONGEST else "see the page of the method"
        lines.append(f"{row['name']} : {row['type']}, default {default}")
        notes = [
            f"{row['why'][:1].upper()}{row['why'][1:]}" if row["why"] else "",
            f"unit {row['unit']}" if row["unit"] else "",
            row["bounds"],
        ]
        text = "; ".join(filter(None, notes)) or "See its own parameters."
        lines.append(f"    {text}")
    return "\n".join(lines)


def changed(params: Params) -> str:
    """Return ``name=value`` of all parameters that are not at their default, separated by commas.

    Groups of parameters show what is changed in them.
    """
    parts = []
    for name, info in type(params).model_fields.items():
        value = getattr(params, name)
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        if value == default and not info.is_required():
            continue
        if isinstance(value, Params):
            shown = f"{type(value).__name__}({changed(value)})"
        else:
            shown = repr(value)
            shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
        parts.append(f"{name}={shown}")
    return ", ".join(parts)


def flat(params: Params) -> dict[str, Any]:
    """Return all parameters by name, those of groups a second time as ``group__name``."""
    out: dict[str, Any] = {}
    for name, value in params:
        out[name] = value
        if isinstance(value, Params):
            out |= {f"{name}__{inner}": v for inner, v in flat(value).items()}
    return out


def with_nested(params: Params, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters with some changed; ``group__name`` changes one parameter of a group."""
    out = dict(params)
    nested: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        group, _, inner = name.partition("__")
        if inner and isinstance(out.get(group), Params):
            nested.setdefault(group, {})[inner] = value
        else:
            out[name] = value
    for group, inside in nested.items():
        out[group] = type(out[group])(**with_nested(out[group], inside))
    return out


__all__ = ["changed", "flat", "numpydoc", "signature_of", "with_nested"]
