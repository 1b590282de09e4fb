"""``murid zones``: give recordings their zones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply, records
from murid.cli.options import Ids, ParamOption, StudyFolder, pick_recordings, read_params
from murid.data.errors import fail
from murid.data.names import counted

_EXAMPLES = """murid zones S --template open_field
murid zones S --page draw.html
murid zones S --file zones.json --template three_chamber
murid zones S --file zones.json --ids m1,m2 --replace"""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, _EXAMPLES)
    def zones(
        study: StudyFolder,
        template: Annotated[
            str | None,
            typer.Option(help="open_field, plus_maze, zero_maze, three_chamber or light_dark, fitted to the arena."),
        ] = None,
        file: Annotated[
            Path | None, typer.Option(help="Zones file (the page saves one); with --template: its arena.")
        ] = None,
        page: Annotated[
            Path | None, typer.Option(help="Write a page to draw zones on a frame; open it in a browser.")
        ] = None,
        param: ParamOption = None,
        ids: Ids = None,
        replace: Annotated[bool, typer.Option("--replace", help="Write over zones that are there.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
    ) -> Reply:
        """Give recordings zones: from a template, from a file, or drawn on a frame.

        A template is fitted to the arena of --file, else to the drawn arena or the tracked corners of each recording.
        The page is one file and needs no internet; it saves zones.json, which --file reads.
        """
        from murid.assays.zone_templates import TemplateParams
        from murid.data.study import Study
        from murid.run import set_zones, write_drawing_page

        opened = Study(study)
        chosen = pick_recordings(opened, ids)
        if page is not None:
            if template or file or param or replace or dry_run:
                fail("zones", "--page only writes the page", todo="leave out the other options, but for --ids")
            if chosen is not None and len(chosen) != 1:
                fail("zones", "the page shows one recording", got=counted(len(chosen)), todo="name one with --ids")
            shown = write_drawing_page(opened, page, chosen[0] if chosen else None)
            return Reply(
                {"ok": True, "page": str(page), "recording": shown},
                [f"{page}: draw on '{shown}' in a browser, save, then: murid zones {study} --file zones.json"],
            )
        if param and template is None:
            fail("zones", "-p is of a template", todo="give --template")
        given = TemplateParams(**read_params(TemplateParams, param))
        table = set_zones(
            opened,
            file,
            template=template,
            params=given,
            ids=chosen,
            replace=replace,
            dry_run=dry_run,
        )
        does = "would be given" if dry_run else "given"
        return Reply(
            {"ok": True, "dry_run": dry_run, "recordings": records(table)},
            [f"Zones {does} to {counted(len(table))}."],
            {"Zones": table},
        )
