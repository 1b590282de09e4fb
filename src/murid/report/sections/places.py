"""Where the animals were."""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.data.zones import Zone
from murid.plot.colours import pick_colour
from murid.plot.number_text import count, listed, number
from murid.plot.places import GUESSED, is_arena, limits, zone_box
from murid.report.context import Context
from murid.report.figures import places as draw
from murid.report.pose_overview import TRACK_STEP_S, Glance
from murid.report.section_parts import Picture, Section, Words
from murid.report.subjects import subject_of

MAX_TRACKS = 12
#: Cells across the longer side of the arena; arenas that differ by more than this share are not pooled.
CELLS, ALIKE = 28, 0.1


def make(context: Context) -> Section | None:
    """Draw tracks, and occupancy by group where arenas are alike."""
    looks = {
        recording_id: look
        for recording_id, look in context.glances.items()
        if any(np.isfinite(t).any() for t in look.tracks.values())
    }
    if not looks:
        return None
    section = Section(
        "places", "Where the animals were", "Paths of the body centre, and the places where time was spent."
    )
    section.add(_tracks(context, looks), *_occupancy(context, looks))
    return section


def spread_over_groups(context: Context, ids: list[str], limit: int) -> list[str]:
    """Choose recordings so that every group is shown, in study order; all when there are no more than `limit`."""
    if len(ids) <= limit:
        return ids
    group = context.table.set_index("id")["group"]
    queues = [[i for i in ids if group[i] == g] for g in dict.fromkeys(group[ids])]
    chosen: list[str] = []
    while len(chosen) < limit and any(queues):
        for queue in queues:
            if queue and len(chosen) < limit:
                chosen.append(queue.pop(0))
    return [i for i in ids if i in chosen]


def _tracks(context: Context, looks: dict[str, Glance]) -> Picture:
    unit = _common_unit(looks)
    usable = [recording_id for recording_id, look in looks.items() if look.unit == unit]
    ids = spread_over_groups(context, usable, MAX_TRACKS)
    panels = [
        draw.TrackPanel(
            recording_id,
            pick_colour(context.group_colours, context.keys(recording_id)["group"]),
            list(looks[recording_id].tracks.values()),
            looks[recording_id].zones,
            context.keys(recording_id)["group"],
        )
        for recording_id in ids
    ]
    more = f" {count(len(usable) - len(ids), 'more recording')} not shown." if len(usable) > len(ids) else ""
    lines = _lines([z for recording_id in ids for z in looks[recording_id].zones])
    path = pd.DataFrame(
        [
            {
                "recording": recording_id,
                "individual": name,
                f"path_{unit}": float(np.nansum(np.hypot(*np.diff(xy, axis=0).T))),
                "seen_percent": 100 * float(np.isfinite(xy).all(axis=1).mean()),
            }
            for recording_id in usable
            for name, xy in looks[recording_id].tracks.items()
        ]
    )
    groups = f" Title colours are groups ({listed(context.groups)})." if context.groups else ""
    together = any(len(looks[recording_id].tracks) > 1 for recording_id in ids)
    others = " Of animals in view together the first has the full colour, the others a paler one." if together else ""
    tested = "; whether groups differ is tested below" if len(context.groups) > 1 and context.runs_of("assay") else ""
    uncalibrated = " Neither the poses nor a run know a scale, so lengths are in pixels." if unit == "px" else ""
    return Picture(
        draw.draw_trajectories(panels, unit),
        "Paths",
        f"Body centre of each recording, one median position every {number(TRACK_STEP_S)} s{lines}. Look for "
        f"{'paths outside the arena or ' if lines else ''}straight jumps: those are tracking errors. A picture of "
        f"single animals{tested}.{groups}{others}{uncalibrated}{more}",
        f"Paths of {count(len(ids), 'recording')} in small panels{', with arena and zones outlined' if lines else ''}.",
        path,
    )


def _lines(zones: list[Zone]) -> str:
    """Say what each kind of line around the paths is, of those that are drawn."""
    guess = any(z.name == GUESSED for z in zones)
    arena = any(is_arena(z) and z.name != GUESSED for z in zones)
    lines = {
        "full line: arena": arena,
        "dotted: arena as guessed from the paths of all recordings": guess,
        "dashed: zones": any(not is_arena(z) and z.name != GUESSED for z in zones),
    }
    drawn = [text for text, there in lines.items() if there]
    return f"; {', '.join(drawn)}" if drawn else ""


def _common_unit(looks: dict[str, Glance]) -> str:
    units = [look.unit for look in looks.values()]
    return max(dict.fromkeys(units), key=units.count)


def _arena(look: Glance) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the drawn arena, or of all zones and tracks."""
    drawn = [z for z in look.zones if is_arena(z)] or list(look.zones)
    if drawn:
        boxes = np.concatenate([zone_box(z) for z in drawn])
        return boxes.min(axis=0), boxes.max(axis=0)
    return limits((), list(look.tracks.values()))


def _occupancy(context: Context, looks: dict[str, Glance]) -> list[Picture | Words]:
    unit = _common_unit(looks)
    boxes = {recording_id: _arena(look) for recording_id, look in looks.items() if look.unit == unit}
    sizes = np.array([high - low for low, high in boxes.values()])
    middle = np.median(sizes, axis=0)
    alike = [
        recording_id for recording_id, s in zip(boxes, sizes, strict=True) if (np.abs(s / middle - 1) <= ALIKE).all()
    ]
    if len(alike) < 0.5 * len(boxes):
        return [Words("Arenas differ in size, so occupancy is not pooled over recordings.", "note")]
    maps: dict[str, list[np.ndarray]] = {}
    animals = context.animals
    per_animal: dict[tuple[str, str], list[np.ndarray]] = {}
    for recording_id in alike:
        group = context.keys(recording_id)["group"] or ("all animals" if not context.groups else "no group")
        tracks = np.concatenate([t for t in looks[recording_id].tracks.values()])
        cells = time_in_cells(tracks, *boxes[recording_id], middle)
        if cells is not None:
            per_animal.setdefault((group, animals[recording_id]), []).append(cells)
    for (group, _), own_maps in per_animal.items():
        maps.setdefault(group, []).append(np.mean(own_maps, axis=0))
    if not maps:
        return []
    order = [g for g in (*context.groups, "all animals", "no group") if g in maps]
    means = {f"{g} (n = {len(maps[g])})": np.mean(maps[g], axis=0) for g in order}
    zones = _moved(looks[alike[0]].zones, boxes[alike[0]][0])
    others = [i for i in boxes if i not in alike]
    subject = subject_of(context, {i: looks[i].individuals for i in alike})
    left = f" Left out, because their arena has another size: {listed(others)}." if others else ""
    row, column = np.indices(next(iter(means.values())).shape)
    at = {"row": row.ravel(), "column": column.ravel()}
    size = middle[0] / row.shape[1]
    return [
        Picture(
            draw.occupancy(means, (0.0, float(middle[0]), 0.0, float(middle[1])), zones, unit),
            "Occupancy",
            f"Share of time in cells of {number(size)} {unit}, lightly smoothed; every {subject.noun} counts the same; "
            f"n: {subject.plural}. The colour scale is stretched for small values. The map shows where groups spend "
            "their time; because places are compared by eye, use the measures of zones below for conclusions. Animals "
            f"that stay near a wall look alike whether they rest there or run along it.{left}",
            f"Occupancy heat maps: {listed(means)}.",
            pd.concat([pd.DataFrame({"group": g, **at, "percent": m.ravel()}) for g, m in means.items()]),
        )
    ]


def time_in_cells(tracks: np.ndarray, low: np.ndarray, high: np.ndarray, size: np.ndarray) -> np.ndarray | None:
    """Percent of the time seen, in cells over the arena; what lies outside counts for the nearest cell."""
    from scipy.ndimage import gaussian_filter

    known = tracks[np.isfinite(tracks).all(axis=1)]
    if not len(known):
        return None
    n_x, n_y = np.maximum(1, np.round(CELLS * size / size.max()).astype(int))
    share = np.clip((known - low) / (high - low), 0, 1 - 1e-9)
    cells = np.zeros((n_y, n_x))
    np.add.at(cells, ((share[:, 1] * n_y).astype(int), (share[:, 0] * n_x).astype(int)), 1)
    return 100 * gaussian_filter(cells / len(known), 0.8, mode="reflect")


def _moved(zones: tuple[Zone, ...], origin: np.ndarray) -> list[Zone]:
    return [
        Zone(z.name, polygon=z.polygon - origin, unit=z.unit, kind=z.kind)
        if z.polygon is not None
        else Zone(z.name, centre=tuple(np.asarray(z.centre) - origin), radius=z.radius, unit=z.unit, kind=z.kind)
        for z in zones
    ]
