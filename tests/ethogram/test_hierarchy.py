from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import dendrogram

from murid.data.errors import DataError
from murid.ethogram import hierarchy
from murid.ethogram.transitions import Transitions


def two_circles():
    """States 0-2 and 3-5 go to and fro among themselves, and seldom across."""
    counts = np.full((6, 6), 1)
    counts[:3, :3] = counts[3:, 3:] = 100
    np.fill_diagonal(counts, 0)
    return Transitions(tuple("abcdef"), counts)


def test_circles_become_communities():
    tree = hierarchy.merge_tree(two_circles())
    assert tree.cut(2).tolist() == [0, 0, 0, 1, 1, 1]
    assert tree.cut(1).nunique() == 1
    assert sorted(tree.cut(6)) == list(range(6))
    assert tree.cut_depth(1).tolist() == [0, 0, 0, 1, 1, 1]
    assert len(dendrogram(tree.linkage(), no_plot=True)["leaves"]) == 6


def test_the_first_merge_by_hand():
    counts = np.array([[0, 8, 2], [6, 0, 4], [1, 9, 0]])
    t = Transitions(("a", "b", "c"), counts)
    usage = np.array([0.5, 0.3, 0.2])
    p = counts / counts.sum(1, keepdims=True)
    link = p + p.T
    paper = {(i, j): (usage[i] + usage[j]) / link[i, j] for i, j in [(0, 1), (0, 2), (1, 2)]}
    coded = {(i, j): usage[i] + usage[j] / link[i, j] for i, j in [(0, 1), (0, 2), (1, 2)]}
    assert tuple(hierarchy.merge_tree(t, usage).merges[0]) == min(paper, key=paper.get)
    assert tuple(hierarchy.merge_tree(t, usage, cost="as_coded").merges[0]) == min(coded, key=coded.get)


def test_a_state_that_never_occurs_belongs_nowhere():
    counts = np.zeros((7, 7), int)
    counts[:6, :6] = two_circles().counts
    tree = hierarchy.merge_tree(Transitions(tuple("abcdefg"), counts))
    assert tree.cut(2).tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert np.isnan(tree.cophenetic().at["a", "g"])
    full = hierarchy.merge_tree(two_circles())
    assert full.cophenetic().at["a", "b"] < full.cophenetic().at["a", "f"] == 1.0


def test_states_that_never_meet_merge_last():
    counts = np.zeros((4, 4), int)
    counts[0, 1] = counts[1, 0] = 5
    counts[2, 3] = counts[3, 2] = 5
    assert hierarchy.merge_tree(Transitions(tuple("abcd"), counts)).cut(2).tolist() == [0, 0, 1, 1]


def test_similarities():
    tree = hierarchy.merge_tree(two_circles())
    assert hierarchy.tree_similarity(tree, tree) == pytest.approx(1.0)
    mixed = two_circles().counts[np.ix_([0, 3, 1, 4, 2, 5], [0, 3, 1, 4, 2, 5])]
    other = hierarchy.merge_tree(Transitions(tuple("abcdef"), mixed))
    assert hierarchy.tree_similarity(tree, other) < 0.5
    near = hierarchy.similarity(two_circles())
    assert near.at["a", "b"] > 10 * near.at["a", "d"]
    with pytest.raises(DataError, match="n_groups"):
        tree.cut(7)
