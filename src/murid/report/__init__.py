"""The report: one self-contained HTML file from a study and its runs.

>>> import murid
>>> murid.report.build(study, [run.folder for run in runs], "report.html")  # doctest: +SKIP

===================  ==========================================================================
`assemble`           `build`: sections in order, one file out
`context`            what a section is given: study, runs, colours, one look at every recording
`parts`              what a section is made of: words, pictures, tables
`render`             parts to HTML; matplotlib to SVG, tables to HTML with their CSV beside them
`sections`           one file a section
`figures`            plotting functions: arrays and tables in, matplotlib ``Figure`` out
===================  ==========================================================================

Adding a section: write ``sections/<name>.py`` with ``make(context) -> Section | None`` (None when there is
nothing to show), and name it in `sections.ORDER`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
