"""Roles: what each keypoint is on the animal, whatever the lab calls it.

A role map ``{"nose": "snout", …}`` lets one set of features and one trained model work on any
skeleton. `guess_roles` proposes the map from the names, `roles_table` shows it, and every function
that takes ``roles=`` joins what is given to what is guessed: ``{"nose": "snoot"}`` names one point and
leaves the others. Keypoints without a role (arena corners, implants) are left out of the features; a
role of your own (``{"implant": "Implant"}``) brings one in, an empty one (``{"nose": ""}``) takes one out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from murid.data.errors import Faults, did_you_mean

#: The known roles, nose to tail; the order fixes the order of the features.
ROLES = (
    "nose",
    "head",
    "ear_left",
    "ear_right",
    "neck",
    "centre",
    "side_left",
    "side_right",
    "hip_left",
    "hip_right",
    "tail_base",
    "tail_mid",
    "tail_tip",
    "paw_front_left",
    "paw_front_right",
    "paw_hind_left",
    "paw_hind_right",
)

#: Roles off the trunk: too mobile to say where the body is or how long it is.
LIMBS = ("tail_mid", "tail_tip", "paw_front_left", "paw_front_right", "paw_hind_left", "paw_hind_right")

#: Points that features need, and the roles whose mean stands in for them, best first.
DERIVED: dict[str, tuple[tuple[str, ...], ...]] = {
    "nose": (("nose",), ("head",), ("ear_left", "ear_right"), ("neck",)),
    "head": (("head",), ("ear_left", "ear_right"), ("neck",), ("nose",)),
    "front": (("neck",), ("ear_left", "ear_right"), ("head",), ("nose",), ("paw_front_left", "paw_front_right")),
    "rear": (("tail_base",), ("hip_left", "hip_right"), ("paw_hind_left", "paw_hind_right")),
    "centre": (
        ("centre",),
        ("neck", "hip_left", "hip_right"),
        ("side_left", "side_right"),
        ("neck", "tail_base"),
        ("ear_left", "ear_right", "tail_base"),
        ("head", "tail_base"),
        ("nose", "tail_base"),
        ("paw_front_left", "paw_front_right", "paw_hind_left", "paw_hind_right"),
        ("hip_left", "hip_right"),
        ("tail_base",),
        ("neck",),
        ("head",),
        ("ear_left", "ear_right"),
        ("nose",),
    ),
    "left": (("side_left",), ("hip_left",), ("ear_left",), ("paw_hind_left",)),
    "right": (("side_right",), ("hip_right",), ("ear_right",), ("paw_hind_right",)),
}

# Name patterns, tried in order on the name without its side, its view and its separators. The
# first pattern of a role is the clearest: "bodycentre" is taken before "centre", which may be a
# corner of the arena file.
_PATTERNS: dict[str, tuple[str, ...]] = {
    "nose": (r"nose(tip)?", r"snout(tip)?", r"rostrum", r"muzzle"),
    "head": (r"head(cent(er|re)|mid|top)?", r"midhead", r"(skull|scalp|top|forehead)"),
    "ear": (r"ear(s|base|tip)?",),
    "neck": (r"neck(base)?|baseneck|nape", r"spine1|upperspine|midears?|shoulders?(mid|cent(er|re))"),
    "centre": (
        r"(body|mouse|animal)cent(er|re)|cent(er|re)(of)?(body|mouse|mass)",
        r"(body|mouse|animal|spine|back)(cent(er|re)|mid)|(cent(er|re)|mid)(of)?(body|spine|back|mass)",
        r"body|trunk|torso|centroid|com",
        r"cent(er|re)|back|midspine|spine",
    ),
    "side": (r"bc|bodycent(er|re)|lat(eral)?|side|flank|fhip|shoulder|body|trunk",),
    "hip": (r"hips?|bhip|haunch|hindhip",),
    "tail_base": (
        r"tail(base|root|start)|base(of)?tail|tti|tb|rump|butt.*|(proximal|prox)tail|tailprox(imal)?",
        r"tail0?|tailhead",
    ),
    "tail_mid": (r"(tail(mid(dle)?|cent(er|re)|m)|mid(dle)?tail)", r"tail[0-9]+", r"tail"),
    "tail_tip": (r"tail(tip|end|e)|(tip|end)(of)?tail|distaltail", r"tail[0-9]+"),
    "paw_front": (r"(front|fore)(paw|foot|limb|leg|hand)|(paw|foot|limb|leg)[0-9]*(front|fore)|forepaw|hand",),
    "paw_hind": (
        r"(hind|rear|back)(paw|foot|limb|leg|hand)|(paw|foot|limb|leg)[0-9]*(hind|rear|back)",
        r"leg|foot|paw",
    ),
}
_SIDED = {"ear", "side", "hip", "paw_front", "paw_hind"}
_VIEWS = {"top", "bot", "bottom", "view", "cam"}
_CORNERS = {
    "lf": ("left", "front"),
    "rf": ("right", "front"),
    "lh": ("left", "hind"),
    "rh": ("right", "hind"),
    "fl": ("left", "front"),
    "fr": ("right", "front"),
    "hl": ("left", "hind"),
    "hr": ("right", "hind"),
}
_GLUED = re.compile(r"^(left|right|l|r)?(ear|hip|bc|lat|side|paw|haunch|shoulder|flank|bhip|fhip)(left|right|l|r)?$")


def guess_roles(keypoints: Iterable[str]) -> dict[str, str]:
    """Propose what each keypoint is from its name.

    Parameters
    ----------
    keypoints : iterable of str
        Names as the tracker gives them: ``"Left_ear"``, ``"earl"``, ``"EarLeft"``, ``"ear l"`` are one.

    Returns
    -------
    dict of str to str
        Role → keypoint, in the order of `ROLES`; roles without a keypoint are absent. No keypoint
        gets two roles. Look at it with `roles_table` and edit it where a lab's name misleads.

    Examples
    --------
    >>> guess_roles(["snout", "Left_ear", "earr", "tail base", "corner1"])
    {'nose': 'snout', 'ear_left': 'Left_ear', 'ear_right': 'earr', 'tail_base': 'tail base'}
    """
    names = [str(k) for k in keypoints]
    parsed = {name: _parse(name, names) for name in names}
    taken: dict[str, str] = {}
    depth = max(map(len, _PATTERNS.values()))
    # Clear names first over all roles, so that a vague name never takes a clear one's place.
    for level in range(depth):
        for role in ROLES:
            if role not in taken and (name := _match(role, level, parsed, taken)):
                taken[role] = name
    return {role: taken[role] for role in ROLES if role in taken}


def _parse(name: str, names: Sequence[str]) -> tuple[str, str, str]:
    """Split a name into (bare lower-case letters, side, front or hind)."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Za-z])", " ", name)
    tokens = re.findall(r"[a-z]+[0-9]*|[0-9]+", spaced.lower())
    if len(tokens) > 1 and tokens[-1] in _VIEWS:
        tokens = tokens[:-1]
    side = end = ""
    kept = []
    for token in tokens:
        if token in ("left", "l", "lt") and not side:
            side = "left"
        elif token in ("right", "r", "rt") and not side:
            side = "right"
        elif token in _CORNERS and len(tokens) > 1:
            side, end = _CORNERS[token]
        else:
            kept.append(token)
    bare = "".join(kept)
    if not side and (match := re.match(r"^(left|right)(.+)$|^(.+)(left|right)$", bare)):
        side, bare = (match[1], match[2]) if match[1] else (match[4], match[3])
    # "earl", "hipr", "lear": one letter glued on. "rear" is an ear only next to a "lear".
    if not side and (bare != "rear" or any(n.lower() == "lear" for n in names)):
        match = _GLUED.match(bare)
        letter = (match[1] or match[3]) if match else None
        if match and letter:
            side, bare = ("left" if letter.startswith("l") else "right"), match[2]
    if end:
        bare = re.sub(r"[0-9]", "", bare) + end
    return bare, side, end


def _match(role: str, level: int, parsed: Mapping[str, tuple[str, str, str]], taken: Mapping[str, str]) -> str | None:
    """Return the free keypoint that fits `role` at pattern number `level`."""
    base, _, side = role.rpartition("_")
    if base not in _SIDED:
        base, side = role, ""
    patterns = _PATTERNS[base]
    if level >= len(patterns):
        return None
    pattern = re.compile(patterns[level])
    candidates = [
        name
        for name, (bare, own, _) in parsed.items()
        if own == side and name not in taken.values() and pattern.fullmatch(bare)
    ]
    if not candidates:
        return None
    # Numbered tail points run from base to tip: the middle one is the middle, the last the tip.
    if role in ("tail_mid", "tail_tip"):
        candidates.sort(key=lambda name: parsed[name][0])
        return candidates[-1] if role == "tail_tip" else candidates[(len(candidates) - 1) // 2]
    return candidates[0]


def roles_table(keypoints: Iterable[str], roles: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Show which keypoint plays which role, and which play none.

    Returns
    -------
    DataFrame
        ``keypoint, role`` (empty where none), in the order of the keypoints.

    Examples
    --------
    >>> roles_table(["snout", "Implant"]).values.tolist()
    [['snout', 'nose'], ['Implant', '']]
    """
    names = [str(k) for k in keypoints]
    of = {keypoint: role for role, keypoint in resolve_roles(names, roles).items()}
    return pd.DataFrame({"keypoint": names, "role": [of.get(name, "") for name in names]})


def prefix_advice(keypoints: Sequence[str]) -> str:
    """Return what to do where names of keypoints begin with names of animals (``B_Nose``, ``W_Nose``); "" elsewhere.

    Examples
    --------
    >>> prefix_advice(["B_Nose", "B_Tail", "W_Nose", "W_Tail"])[-32:]
    "(Python: individuals=['B', 'W'])"
    """
    points: dict[str, set[str]] = {}
    for name in keypoints:
        prefix, _, rest = name.partition("_")
        points.setdefault(prefix, set()).add(rest)
    alike = [p for p, rests in points.items() if "" not in rests and guess_roles(sorted(rests)) and p]
    if len(alike) < 2 or len({frozenset(points[p]) for p in alike}) > 1 or guess_roles(list(keypoints)):
        return ""
    return (
        f"the names look like those of {len(alike)} animals: read the poses with "
        f"-o poses.individuals={','.join(alike)} (Python: individuals={alike})"
    )


def resolve_roles(keypoints: Iterable[str], roles: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the role of each keypoint: the given ones, and those guessed for all others.

    Parameters
    ----------
    keypoints : iterable of str
        Names of the keypoints.
    roles : mapping of role to keypoint, optional
        Given roles go before guessed ones, and a keypoint given a role has no other. An empty keypoint
        says that the animal has no such point.

    Returns
    -------
    dict of str to str
        Role → keypoint, known roles from nose to tail, then your own.

    Raises
    ------
    DataError
        A role names an unknown keypoint, two roles name the same one, or no role is left.
    """
    names = [str(k) for k in keypoints]
    faults = Faults("roles")
    given = {str(r): str(k) for r, k in (roles or {}).items()}
    taken = set(given.values())
    chosen = {r: k for r, k in guess_roles(names).items() if r not in given and k not in taken}
    chosen |= {r: k for r, k in given.items() if k}
    for role, keypoint in chosen.items():
        if keypoint not in names:
            faults.add(f"no keypoint '{keypoint}'", where=f"role '{role}'", todo=did_you_mean(keypoint, names))
    double = {k for k in chosen.values() if list(chosen.values()).count(k) > 1}
    if double:
        faults.add("keypoints have two roles", got=", ".join(sorted(double)), todo="give each keypoint one role")
    if not chosen:
        faults.add(
            "no keypoint has a known role",
            got=", ".join(names),
            todo=prefix_advice(names)
            or 'pass roles={"nose": "<your keypoint>", "tail_base": …}; known roles: ' + ", ".join(ROLES),
        )
    faults.raise_if_any()
    known = [role for role in ROLES if role in chosen]
    return {role: chosen[role] for role in [*known, *(r for r in chosen if r not in ROLES)]}


def stand_ins(roles: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Say from which tracked roles each derived point is made, e.g. ``head: (ear_left, ear_right)``.

    Points that cannot be made from `roles` are absent. ``front`` and ``rear`` never coincide.
    """
    have = list(roles)
    out: dict[str, tuple[str, ...]] = {}
    for point, options in DERIVED.items():
        for option in options:
            if all(role in have for role in option):
                out[point] = option
                break
    if "centre" not in out and have:
        out["centre"] = tuple(have)
    if "rear" not in out and "centre" in have and out.get("front", ("centre",)) != ("centre",):
        out["rear"] = ("centre",)
    if "front" not in out and "centre" in have and "rear" in out and out["rear"] != ("centre",):
        out["front"] = ("centre",)
    return out


def mirrored_roles(roles: Mapping[str, str]) -> dict[str, str]:
    """Swap left and right in a role map (for left/right flip augmentation); unpaired roles stay."""
    swap = {role: role.replace("left", "#").replace("right", "left").replace("#", "right") for role in roles}
    out = {swap[role]: keypoint for role, keypoint in roles.items()}
    return {role: out[role] for role in roles if role in out} | out
