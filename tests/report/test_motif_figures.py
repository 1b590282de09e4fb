"""Motif figures: postures that few bouts show are not drawn; trees join what is alike."""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.data.states import make_states
from murid.ethogram.transitions import transitions_of
from murid.methods.motifs.comparison_tables import MOTIFS
from murid.report.figures.skeleton import bones_of
from murid.report.figures.transition_graph import transition_graph
from murid.report.figures.tree import draw_similarity_tree
from murid.report.sections.motifs import _drawable, _middle, _side_by_side
from murid.report.transitions import _parted


def test_points_that_the_tracker_rarely_finds_are_not_drawn():
    cut = np.zeros((20, 3, 4, 2))
    cut[4:, :, 3] = np.nan  # a tail tip seen in 4 of 20 bouts
    middle = _middle(cut)
    assert np.isnan(middle[:, 3]).all()
    assert (middle[:, :3] == 0).all()
    assert _drawable(middle)
    assert not _drawable(_middle(np.where(np.arange(4)[:, None] == 0, cut, np.nan)))  # one point is no posture


def test_tree_names_every_motif_and_grows_with_unlikeness():
    linkage = np.array([[0, 1, 0.2, 2], [2, 3, 1.5, 3]], float)
    figure = draw_similarity_tree(linkage, ["rest", "still", "run"], {"rest": 0.5, "still": 0.3, "run": 0.2}, {})
    ax = figure.axes[0]
    assert sorted(t.get_text().split()[0].lower() for t in ax.get_yticklabels()) == ["rest", "run", "still"]
    assert max(line.get_xdata().max() for line in ax.get_lines()) == 1.5


def test_comparison_shows_what_is_known_and_keeps_all_in_the_csv():
    table = pd.DataFrame(
        {"method": ["kmeans", "moseq"], "fit_s": [1.0, 2.0], "median_ms": [233.0, 133.0], "ami": [np.nan, np.nan]}
    )
    found = _side_by_side(MOTIFS.rows(table))
    assert list(found.data) == ["method", "median_ms"]
    assert list(found.full) == list(table)


def test_neighbours_along_the_spine_are_joined_where_no_other_point_joins_them():
    points = ["nose", "neck", "tail_base", "side_left"]
    pairs = bones_of({p: p for p in points}, points)
    assert sorted(pairs) == [(0, 1), (1, 2), (1, 3)]  # nose–neck and neck–tail are no bones of their own
    ears = ["nose", "ear_left", "neck", "centre", "tail_base"]
    assert sorted(bones_of({p: p for p in ears}, ears)) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_area_of_a_disc_is_the_share_of_the_time():
    """17 % and 76 % were the same disc."""
    names = ["a", "b", "c"]
    figure = transition_graph(pd.DataFrame(0.0, names, names), {"a": 0.17, "b": 0.76, "c": 0.07}, {})
    a, b, c = (p.radius for p in figure.axes[0].patches if hasattr(p, "radius"))
    np.testing.assert_allclose([a**2 / b**2, c**2 / b**2], [17 / 76, 7 / 76])


def test_bouts_that_gaps_part_are_no_chain_and_are_not_tested():
    """State events with gaps: a matrix of 7 of 1,400 bouts, with its p."""
    apart, close = ([0, -1, 1, -1, 0, 1, -1, 0] * 20, [0, 0, 1, 1, 0, -1, 1, 0] * 20)
    for codes, said in ((apart, "Only 20 of 80 bouts begin where another ends"), (close, "")):
        states = [make_states(codes, np.arange(160.0), ["a", "b"])]
        assert _parted(transitions_of(states).total, states).startswith(said)
        assert bool(_parted(transitions_of(states).total, states)) == bool(said)
