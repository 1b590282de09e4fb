from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from murid.data.errors import DataError
from murid.evaluate import frames


def one_hot(codes, n):
    codes = np.asarray(codes)
    out = (codes[:, None] == np.arange(n)).astype(np.int8)
    out[codes == -1] = -1
    return out


codes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=80)


@settings(max_examples=60, deadline=None)
@given(codes)
def test_table_and_confusion_agree_with_scikit_learn(pairs):
    truth, said = np.array(pairs).T
    cells = frames.counts(one_hot(truth, 4), one_hot(said, 4))
    table = frames.table(cells, "abcd")
    want = metrics.precision_recall_fscore_support(truth, said, labels=range(4), zero_division=np.nan)
    np.testing.assert_allclose(table["precision"], want[0])
    np.testing.assert_allclose(table["recall"], want[1])
    seen = np.isin(range(4), np.r_[truth, said])
    np.testing.assert_allclose(table["f1"][seen], want[2][seen])
    assert table["f1"][~seen].isna().all()
    np.testing.assert_array_equal(table["support"], want[3])
    # The class "none" is never used here: row and column 0 are empty.
    matrix = frames.confusion(one_hot(truth, 4), one_hot(said, 4))
    np.testing.assert_array_equal(matrix[1:, 1:], metrics.confusion_matrix(truth, said, labels=range(4)))
    right, scored = frames.exact(one_hot(truth, 4), one_hot(said, 4))
    assert right / scored == pytest.approx(metrics.accuracy_score(truth, said))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=60))
def test_pr_auc_agrees_with_scikit_learn_with_ties(rows):
    truth, p = np.array(rows).T
    got = frames.pr_auc(truth, p / 8)
    if truth.any():
        assert got == pytest.approx(metrics.average_precision_score(truth, p / 8))
    else:
        assert np.isnan(got)


def test_pr_auc_ignores_unlabelled_and_missing():
    assert frames.pr_auc([1, 0, -1, 1], [0.9, 0.8, 0.99, np.nan]) == 1.0


def test_unlabelled_truth_is_ignored_and_silence_is_no_free_pass():
    truth = np.array([[1], [1], [0], [-1]])
    said = np.array([[1], [-1], [0], [1]])
    np.testing.assert_array_equal(frames.counts(truth, said), [[1, 0, 1, 1]])
    np.testing.assert_array_equal(frames.counts(truth, said, skip_silent=True), [[1, 0, 0, 1]])


def test_undefined_is_nan_and_left_out_of_the_macro():
    table = frames.table(np.array([[5, 0, 0, 5], [0, 0, 0, 10], [0, 0, 2, 8]]), "abc")
    assert np.isnan(table.at["b", "f1"])
    assert table.at["c", "f1"] == 0.0
    assert np.isnan(table.at["c", "precision"])
    assert frames.mean_known(table["f1"]) == 0.5


def test_shapes_must_agree():
    with pytest.raises(DataError, match="shapes differ"):
        frames.counts(np.zeros((3, 1)), np.zeros((4, 1)))
