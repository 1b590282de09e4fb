"""Parameters, declared once: type, bounds, unit, default and why.

A block that has parameters declares a subclass of `Params`. The declaration checks values,
and feeds `--help`, web forms and the documentation.

Examples
--------
>>> class Smooth(Params):
...     window_s: float = param(0.2, unit="s", why="shorter than any rodent action", gt=0)
>>> Smooth(window_s=0.1).window_s
0.1
"""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin

import pydantic

from murid.data.errors import Faults, ParameterError, did_you_mean


def param(default: Any = ..., *, unit: str = "", why: str = "", **bounds: Any) -> Any:
    """Declare one parameter.

    Parameters
    ----------
    default
        Default value; leave out for a required parameter. A mutable default is copied.
    unit : str
        Physical unit (``"s"``, ``"cm"``, ``"cm/s"``), never frames.
    why : str
        What the parameter does and why this default.
    **bounds
        ``gt, ge, lt, le, min_length`` … as in pydantic.
    """
    return pydantic.Field(default, description=why, json_schema_extra={"unit": unit}, **bounds)


class Params(pydantic.BaseModel):
    """Base of every parameter declaration: frozen, no unknown names, one helpful error."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except pydantic.ValidationError as exc:
            raise _as_parameter_error(type(self), exc) from None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, values: Any) -> Any:
        """Take ``arena_cm=42`` as ``(42,)``, as the command line does, where several values may be given."""
        if not isinstance(values, dict):
            return values
        return {
            name: (value,) if isinstance(value, (int, float, str)) and _is_tuple(cls, name) else value
            for name, value in values.items()
        }

    def replace(self, **values: Any) -> Self:
        """Return a checked copy with some values changed."""
        return type(self)(**{**dict(self), **values})

    @classmethod
    def of(cls, params: Self | None, changes: Mapping[str, Any], **settled: Any) -> Self:
        """Return the parameters of a function that takes them as an object, as keywords, or both.

        Every public function with an optional parameters object has the signature ``f(…, params=None, …, **changes)``
        and begins with this.

        Parameters
        ----------
        params : Params, optional
            As given; the defaults when None.
        changes : mapping of str to value
            Single parameters, over `params`.
        **settled
            Parameters that the function decides itself: over `params`, and an error among the keywords.

        Raises
        ------
        ParameterError
            Something else than these parameters, an unknown keyword, or one that is settled.

        Examples
        --------
        >>> class Smooth(Params):
        ...     window_s: float = param(0.2, unit="s", why="shorter than any rodent action", gt=0)
        >>> Smooth.of(Smooth(window_s=1), {"window_s": 0.5}).window_s
        0.5
        """
        faults = Faults(f"parameters of {cls.__name__}")
        if params is not None and not isinstance(params, cls):
            remedy = "pass **params" if isinstance(params, Mapping) else f"build them with {cls.__name__}(…)"
            faults.add("'params' is not valid", expected=cls.__name__, got=type(params).__name__, todo=remedy)
        for name in sorted(settled.keys() & changes.keys()):
            faults.add(f"'{name}' is settled by the function", todo="leave it out")
        if faults.items:
            raise ParameterError(faults.message(), faults.items)
        given = {**changes, **settled}
        return params.replace(**given) if params is not None and given else params or cls(**given)

    @classmethod
    def table(cls) -> list[dict[str, str]]:
        """One row a parameter: name, type, default, unit, bounds, why (for help and docs)."""
        rows = []
        for name, info in cls.model_fields.items():
            extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
            default = "required" if info.is_required() else repr(info.get_default(call_default_factory=True))
            rows.append(
                {
                    "name": name,
                    "type": _type_name(info.annotation),
                    "default": default,
                    "unit": str(extra.get("unit", "")),
                    "bounds": ", ".join(map(str, info.metadata)),
                    "why": info.description or "",
                }
            )
        return rows


def _is_tuple(cls: type[Params], name: str) -> bool:
    """True for a parameter that takes a tuple, or none, and no single value."""
    field = cls.model_fields.get(name)
    kinds = [] if field is None else get_args(field.annotation) if _is_union(field.annotation) else [field.annotation]
    return any(get_origin(k) is tuple for k in kinds) and all(get_origin(k) is tuple or k is type(None) for k in kinds)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _type_name(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or str(annotation).replace("typing.", "")


def _as_parameter_error(cls: type[Params], exc: pydantic.ValidationError) -> ParameterError:
    faults = Faults(f"parameters of {cls.__name__}")
    for error in exc.errors():
        name = ".".join(map(str, error["loc"])) or "(all)"
        if error["type"] == "extra_forbidden":
            faults.add(f"unknown parameter '{name}'", todo=did_you_mean(name, cls.model_fields))
        else:
            faults.add(f"'{name}' is not valid", expected=error["msg"], got=repr(error["input"]))
    return ParameterError(faults.message(), faults.items)
