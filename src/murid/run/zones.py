"""Zones of a study: from a template, from a file, or drawn on a frame in a page of one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murid.assays.arena import drawn_arenas, known_arenas
from murid.assays.zone_templates import TemplateParams, zones_of_template
from murid.data.atomic import atomic_file
from murid.data.errors import Faults, fail
from murid.data.json_values import to_json
from murid.data.recording import NOUNS, Recording
from murid.data.study import Study
from murid.data.units import LengthUnit
from murid.data.zones import Zones
from murid.io import read_zones

#: Where the drawing page lies in the package, and what is filled in.
_PAGE, _FILL = "templates/zones.html", "/*STUDY*/null"


def set_zones(
    study: Study,
    zones: Zones | str | Path | None = None,
    *,
    template: str | None = None,
    params: TemplateParams | None = None,
    ids: Sequence[str] | None = None,
    replace: bool = False,
    dry_run: bool = False,
    **changes: Any,
) -> pd.DataFrame:
    """Give recordings their zones.

    Parameters
    ----------
    study : Study
    zones : Zones or path, optional
        The same for all of these recordings: zones that were drawn, or the arena that a template is fitted to.
    template : str, optional
        Name of a template (`murid.assays.zone_templates`); fitted to the arena of `zones`, else to that of each
        recording: drawn before, or from tracked corners.
    params : TemplateParams, optional
    ids : sequence of str, optional
        Recordings; all that have poses by default.
    replace : bool
        Write over zones that are there. A template that is fitted to the only zone, the arena, needs no leave.
    dry_run : bool
        Only say what would be written.
    **changes
        Single parameters of the template instead of `params`.

    Returns
    -------
    DataFrame
        One row a recording: ``recording, zones, unit, from``.

    Raises
    ------
    DataError
        All recordings that cannot have them, before anything is written.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")
    >>> murid.run.set_zones(study, template="open_field", replace=True, dry_run=True)["zones"].iloc[0]
    'arena, centre'
    """
    if zones is None and template is None:
        fail("zones", "nothing was given", expected="zones of a file, or a template", todo="--file or --template")
    settings = TemplateParams.of(params, changes)
    if isinstance(zones, (str, Path)):
        zones = read_zones(zones)
    faults = Faults("zones")
    zones_by_recording: dict[str, tuple[Zones, str]] = {}
    wanted = [r for r in study.recordings(ids) if ids is not None or r.has("poses")]
    if not wanted:
        fail("zones", "no recording has poses", todo="add them with: murid add")
    for recording in wanted:
        if recording.has("zones") and not (replace or (zones is None and _is_arena_alone(recording))):
            faults.add("has zones already", where=recording.id, todo="write over them with --replace")
            continue
        try:
            zones_by_recording[recording.id] = _zones_for(recording, zones, template, settings)
        except ValueError as exc:
            faults.add(str(exc), where=recording.id)
        recording.forget()
    faults.raise_if_any()
    rows = []
    for name, (own, source) in zones_by_recording.items():
        if not dry_run:
            recording = study[name]
            kept = [n for n in NOUNS if n != "zones" and recording.has(n)]
            row = study.table.set_index("id").loc[name]
            study.add(recording.replace(zones=own), source=str(row.get("source", "")), replace=True, keep=kept)
        units = ", ".join(dict.fromkeys(zone.unit for zone in own.values()))
        rows.append({"recording": name, "zones": ", ".join(own), "unit": units, "from": source})
    return pd.DataFrame(rows, columns=["recording", "zones", "unit", "from"])


def _is_arena_alone(recording: Recording) -> bool:
    """Whether the only zone is an arena: a template is fitted to it and keeps it, so that nothing is lost."""
    zones = recording.need("zones")
    return len(drawn_arenas(zones)) == len(zones)


def _zones_for(
    recording: Recording, zones: Zones | None, template: str | None, params: TemplateParams
) -> tuple[Zones, str]:
    """Zones of one recording, and where they come from in words."""
    if template is None and zones is not None:
        return zones, "file"
    poses = recording.need("poses")
    arenas = known_arenas(poses, zones if zones is not None else recording.zones)
    if len(arenas) != 1:
        fail(
            f"recording '{recording.id}'",
            "template needs one arena",
            expected="a drawn arena, or keypoints at its corners: tl, tr, br, bl",
            got=f"{len(arenas)} arenas",
            todo="draw it: murid zones STUDY --page draw.html",
        )
    return zones_of_template(str(template), arenas[0].zone, params), f"{template} in arena: {arenas[0].source}"


def write_drawing_page(study: Study, out: str | Path, recording_id: str | None = None) -> str:
    """Write a page of one file on which zones are drawn over a frame; it needs no internet.

    Parameters
    ----------
    study : Study
    out : path
        A new ``.html`` file.
    recording_id : str, optional
        Whose frame is shown: of its video where it has one that can be opened, else the places where the animal was.
        The first recording with poses or video by default.

    Returns
    -------
    str
        The recording that is shown.

    Examples
    --------
    >>> import murid
    >>> murid.run.write_drawing_page(murid.open_study("mice"), "draw.html")
    'control_1'
    """
    out = Path(out)
    if out.exists():
        fail(f"page {out}", "is there already", todo="choose another name, or delete it")
    able = [r for r in study.recordings(None) if r.has("video") or r.has("poses")]
    if recording_id is None and not able:
        fail("zones", "no recording has a video or poses", todo="add them with: murid add")
    recording = study[recording_id] if recording_id is not None else able[0]
    picture, width, height, unit, note = _background(recording)
    values = {
        "study": study.name,
        "recording": recording.id,
        "picture": picture,
        "width": width,
        "height": height,
        "unit": unit,
        "note": note,
    }
    from importlib.resources import files

    page = files("murid.report").joinpath(_PAGE).read_text(encoding="utf-8")
    # "<" would end the script element early when it stands in a name.
    filled = page.replace(_FILL, to_json(values).replace("<", "\\u003c"))
    with atomic_file(out) as temporary:
        temporary.write_text(filled, encoding="utf-8")
    return recording.id


def _background(recording: Recording) -> tuple[str, float, float, str, str]:
    """Picture (data URI), width and height in the unit of the zones, that unit, and what is shown."""
    if recording.has("video"):
        video = recording.need("video")
        frame = video.frame(video.n_frames // 2)
        scale, unit = 1.0, "px"
        if recording.has("poses"):
            own = LengthUnit.of(recording.need("poses").attrs)
            if own.name != "px" and own.px_per_cm is None:
                fail(f"recording '{recording.id}'", "poses are in cm and know no scale", todo="add with --px-per-cm")
            scale, unit = LengthUnit("px", own.px_per_cm).to(own.name) if own.name != "px" else 1.0, own.name
        height, width = frame.shape[:2]
        return _data_uri(frame), width * scale, height * scale, unit, "frame from the middle of the film"
    poses = recording.need("poses")
    xy = np.moveaxis(np.asarray(poses["position"].values[:, :2], np.float64), 1, -1).reshape(-1, 2)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if not len(xy):
        fail(f"recording '{recording.id}'", "has neither a video nor a tracked position to draw on")
    far = np.percentile(xy, 99.9, axis=0) * 1.1
    n = np.maximum(1, np.round(far / far.max() * 800)).astype(int)
    cell = np.floor(xy / far * n).astype(int)
    cell = cell[((cell >= 0) & (cell < n)).all(axis=1)]
    seen = np.zeros((n[1], n[0]))
    np.add.at(seen, (cell[:, 1], cell[:, 0]), 1)
    grey = np.repeat((255 - np.minimum(200, 60 * np.sqrt(seen))).astype(np.uint8)[..., None], 3, axis=2)
    note = "no video: where its keypoints were, darker where longer"
    return _data_uri(grey), float(far[0]), float(far[1]), str(poses.attrs["unit"]), note


def _data_uri(frame: np.ndarray) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, frame, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
