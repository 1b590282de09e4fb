"""Does an arena have the size that was given for it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from murid.assays.arena import AssayArena, extent, side_ratio

#: From this on the sides of an outline contradict the size given: the picture is foreshortened, or a wall was missed.
SLANTED = 1.1


def check_size(arenas: Sequence[AssayArena], arena_cm: Sequence[float] | None, notes: list[str]) -> None:
    """Note an arena whose area in cm, or whose sides to each other, are not those asked for.

    Parameters
    ----------
    arenas : sequence of AssayArena
        In cm.
    arena_cm : sequence of float, optional
        Side, width and depth, or diameter.
    notes : list of str
        Takes what does not fit.
    """
    if arena_cm is None:
        return
    for arena in arenas:
        zone = extent(arena.zone)
        wide, deep = arena_cm[0], arena_cm[-1]
        true = np.pi * (wide / 2) ** 2 if zone.polygon is None else wide * deep
        off = float(np.sqrt(zone.area / true))
        if not 0.95 < off < 1.05:
            notes.append(
                f"arena '{arena.zone.name}' measures {off:.2f} times arena_cm={tuple(arena_cm)}: its scale came with "
                "the poses or zones, arena_cm was not used"
            )
        sides, asked = side_ratio(zone), max(arena_cm) / min(arena_cm)
        if sides is not None and not 1 / SLANTED < sides / asked < SLANTED:
            wall = ", or no animal went near one of the walls" if arena.source == "estimated" else ""
            off = 100 * abs((sides / asked) ** 0.5 - 1)
            notes.append(
                f"the longer sides of arena '{arena.zone.name}' ({arena.source}) are {100 * sides:.0f} % of the "
                f"shorter, by arena_cm {100 * asked:.0f} %: the camera looks from the side{wall}; one scale serves "
                f"both directions, so lengths along one come out about {off:.0f} % off"
            )
