"""Run the scripts of the gallery and write a page with each figure and its code.

A script makes one figure and leaves it in ``figure``; its docstring is the title, then the text.
"""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

from sphinx.application import Sphinx

from murid import plot


def write_gallery(app: Sphinx) -> None:
    """Draw what is newer than its picture; write the page."""
    folder = Path(app.srcdir) / "gallery"
    made = folder / "made"
    made.mkdir(exist_ok=True)
    text = ["Gallery", "=======", "", "Figures made by the code below them, on simulated recordings.", ""]
    code = max(p.stat().st_mtime for p in Path(plot.__file__).parent.glob("*.py"))
    for script in sorted(folder.glob("*.py")):
        title, _, about = (ast.get_docstring(ast.parse(script.read_text())) or script.stem).partition("\n")
        picture = made / f"{script.stem}.svg"
        if not picture.is_file() or picture.stat().st_mtime < max(code, script.stat().st_mtime):
            draw(script, picture)
        title = title.rstrip(".")
        text += [title, "-" * len(title), "", about.strip(), ""]
        text += [f".. image:: made/{picture.name}", f"   :alt: {title}", ""]
        text += [f".. literalinclude:: {script.name}", "   :language: python", f"   :start-after: {END}", ""]
    (folder / "index.rst").write_text("\n".join(text))


#: Line of a script from which its code is shown.
END = "# ---"


def draw(script: Path, picture: Path) -> None:
    """Run a script and save its figure."""
    import matplotlib as mpl
    from matplotlib import pyplot

    mpl.use("Agg")
    runpy.run_path(str(script))["figure"].savefig(picture, metadata={"Date": None})
    pyplot.close("all")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx's entry point."""
    app.connect("builder-inited", write_gallery)
    return {"parallel_read_safe": True}
