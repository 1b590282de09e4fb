"""Colours that colour-blind people can tell apart, the same for a thing in every figure.

Behaviours take Okabe and Ito's colours (2008, "Color universal design"), then Paul Tol's muted ones;
groups take a set of their own, so that a group is never mistaken for a behaviour. Motifs are usually too
many for colour alone: figures write their names too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

INK = "#1b1f24"
GREY = "#5b6470"
PALE = "#d5dae0"
ACCENT = "#0b5394"
WARN = "#b3261e"
#: Frames without label, and labels of the catch-all kind.
UNLABELLED, NONE = "#ffffff", "#e6e9ed"

BEHAVIOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#F0E442",
    "#332288",
    "#999933",
    "#882255",
    "#44AA99",
    "#661100",
    "#AA4499",
    "#6699CC",
    "#117733",
    "#DDCC77",
)
GROUPS = ("#4d5a68", "#b5541c", "#5b3a8e", "#1d7a5f", "#a01f5c", "#8a6d00")

#: Sequential (pale = little, dark = much) and diverging maps; colour-blind people can read both.
HEAT, DIVERGING = "YlGnBu", "RdBu_r"

_NONE_NAMES = {"none", "other", "others", "background", "(none of them)", "none of these"}


def colours_of(names: Iterable[str], palette: tuple[str, ...] = BEHAVIOURS) -> dict[str, str]:
    """Give each name a colour, in order; names of the catch-all kind are pale grey.

    After the palette's end colours repeat, lighter.
    """
    out: dict[str, str] = {}
    k = 0
    for name in dict.fromkeys(map(str, names)):
        if name.lower() in _NONE_NAMES:
            out[name] = NONE
            continue
        round_, which = divmod(k, len(palette))
        out[name] = lighter(palette[which], 0.45) if round_ % 2 else palette[which]
        k += 1
    return out


def lighter(colour: str, share: float) -> str:
    """Mix a colour with white; share 0 = as it is, 1 = white."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p + (255 - p) * share):02x}" for p in parts)


def text_on(colour: str) -> str:
    """Return dark or white, whichever contrasts more with a background."""
    return "#ffffff" if contrast(colour, "#ffffff") >= contrast(colour, INK) else INK


def contrast(a: str, b: str) -> float:
    """WCAG contrast ratio of two colours, 1..21."""
    light = sorted((_luminance(a), _luminance(b)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def pick_colour(colours: Mapping[str, str], name: str) -> str:
    """Return the colour of a name, grey when it has none."""
    return colours.get(str(name), GREY)
