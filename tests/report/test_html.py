"""The page: whole, well-formed, readable by everybody, and in need of nothing from outside."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from tests.report.folders import VERSIONS

#: One worker makes what these tests share.
pytestmark = pytest.mark.xdist_group("page of the report")

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Gathers what the tests ask about, and every fault of nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.cells: list[str] = []
        self.text: list[str] = []
        self.captions: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")
        if tag == "figcaption":
            self.captions.append("")

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1] if self.open else 'nothing'}>")
        else:
            self.open.pop()

    def handle_data(self, data):
        if "style" in self.open[-1:]:
            return
        self.text.append(data)
        if "td" in self.open:
            self.cells[-1] += data
        if "figcaption" in self.open:
            self.captions[-1] += data

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_tags_are_nested_and_ids_are_unique(page):
    assert page.faults == []
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    inside = [a["href"][1:] for a in page.all("a") if a.get("href", "").startswith("#")]
    assert set(inside) <= set(ids)
    assert len(inside) >= 10


def test_every_section_is_there_in_order(page):
    from murid.report.sections import ORDER

    assert [a["id"] for a in page.all("section")] == ["found", *ORDER]


def test_nothing_is_fetched_from_outside(html, page):
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data", "poster"):
            if name in attrs:
                assert attrs[name].startswith(("data:", "#")), (tag, attrs[name][:60])
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("iframe")
    css = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in css
    assert "@import" not in css


def test_svg_images_need_nothing_from_outside_either(page):
    for attrs in page.all("img"):
        head, data = attrs["src"].split(",", 1)
        raw = base64.b64decode(data)
        if "svg" in head:
            links = re.findall(r'(?:xlink:)?href="([^"]+)"', raw.decode())
            assert all(link.startswith(("#", "data:")) for link in links)


def test_figures_have_captions_and_words_for_those_who_cannot_see_them(page):
    images = page.all("img")
    assert len(images) >= 15
    assert len(images) == len(page.captions)
    for attrs, caption in zip(images, page.captions, strict=True):
        assert len(attrs["alt"]) > 20
        assert len(caption) > 60, caption
    numbers = [int(re.match(r"Figure (\d+)\.", c.strip())[1]) for c in page.captions]
    assert numbers == list(range(1, len(numbers) + 1))


def test_tables_hold_no_nan(page):
    assert len(page.cells) > 100
    bad = [c for c in page.cells if re.search(r"\b(nan|None|NaN|NaT|<NA>)\b", c)]
    assert bad == []
    assert not re.search(r"\bnan\b", " ".join(page.text))


def test_every_cell_of_a_wide_table_names_its_column_for_narrow_screens(html):
    tables = re.findall(r'<table class="wide">(.*?)</table>', html, re.S)
    assert tables
    for table in tables:
        heads = re.findall(r"<th[^>]*>(.*?)</th>", table)
        named = re.findall(r'<td[^>]* data-head="([^"]*)"', table)
        assert named == heads * (len(named) // len(heads))
        assert len(named) == table.count("<td")


def test_csv_beside_tables_and_figures_can_be_read(page):
    links = [a for a in page.all("a") if "download" in a]
    assert len(links) >= 15
    assert len({a["download"] for a in links}) == len(links)
    for a in links:
        table = pd.read_csv(io.BytesIO(base64.b64decode(a["href"].split(",", 1)[1])))
        assert len(table.columns) >= 2


def test_number_of_animals_is_said(page):
    text = " ".join(page.text)
    assert "n: control 2, stressed 2" in text
    assert any("control (n = 2)" in a["alt"] for a in page.all("img"))


def test_what_was_found_is_a_handful_of_sentences(html):
    found = html[html.index('id="found"') : html.index("</section>")]
    lines = re.findall(r"<li>(.*?)</li>", found)
    assert 3 <= len(lines) <= 6
    assert all(line.endswith(".") for line in lines)
    assert "4 recordings of 4 animals" in lines[0]


def test_leaky_score_is_marked(page):
    text = " ".join(page.text)
    assert "inflated, not a measure of performance" in text


def test_methods_text_cites_and_states_versions(html):
    part = html[html.index('id="methods"') : html.index('id="provenance"')]
    assert f"murid {VERSIONS['murid']}" in part
    assert "LightGBM" in part
    assert "kmeans" in part
    assert "Benjamini" in part
    assert "circular shifts" in part


def test_provenance_shows_hashes_parameters_and_seeds(made, html):
    import json

    part = html[html.index('id="provenance"') :]
    inputs = json.loads((made.runs["assay"] / "provenance.json").read_text())["inputs"]
    assert inputs[0]["poses"] in part
    assert "&#34;hysteresis_cm&#34;: 0.5" in part
    for run in made.runs.values():
        assert run.name in part


def test_small_enough_to_send(html):
    assert len(html.encode()) < 10e6


@pytest.mark.slow
def test_same_input_same_file(made, html, tmp_path):
    from murid.report import build

    again = build(made.study, list(made.runs.values()), tmp_path / "again.html").read_text(encoding="utf-8")
    undated = [re.sub(r"Report of [^,]+,", "", text) for text in (html, again)]
    assert undated[0] == undated[1]
