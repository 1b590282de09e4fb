"""The temporal network: it learns what a single row does not show, and leaves alone what nobody labelled."""

from __future__ import annotations

import numpy as np

from murid.learn.nets.params import TaggerParams
from murid.learn.nets.tagger import Stretches, fit_masked_tagger, fit_tagger, tag


def small(**changes):
    p = TaggerParams(width=16, layers=3, hide=0.0, dropout=0.0, length=64)
    return p.replace(train=p.train.replace(min_steps=40, epochs=1), **changes)


def echoes(n=400, seed=0):
    """A pulse now and then; the behaviour is shown three rows after it, where the row itself is silent."""
    pulse = np.random.default_rng(seed).random(n) < 0.15
    return pulse[:, None].astype(np.float32), np.roll(pulse, 3)[:, None].astype(np.int8)


def test_it_reads_the_rows_around_a_row():
    x, y = echoes()
    p = small()
    p = p.replace(train=p.train.replace(min_steps=100, lr=1e-2))
    net, history = fit_tagger(Stretches(x, y, np.ones(400, np.float32), [(0, 400)], 64), p)
    x, y = echoes(seed=1)
    said = tag(net, x, [(0, 400)])
    assert ((said > 0) == y)[8:].mean() > 0.97
    assert history.rows[-1]["loss"] < 0.3 * history.rows[0]["loss"]


def test_rows_without_a_label_do_not_teach():
    x, y = echoes()
    known = y.copy()
    known[::2] = -1
    spoilt = np.where(known == -1, -1, y).astype(np.int8)
    weights = np.ones(400, np.float32)
    one, _ = fit_tagger(Stretches(x, spoilt, weights, [(0, 400)], 64), small())
    two, _ = fit_tagger(Stretches(x, known, weights, [(0, 400)], 64), small())
    np.testing.assert_array_equal(tag(one, x, [(0, 400)]), tag(two, x, [(0, 400)]))
    all_rows, _ = fit_tagger(Stretches(x, y, weights, [(0, 400)], 64), small())
    assert not np.array_equal(tag(one, x, [(0, 400)]), tag(all_rows, x, [(0, 400)]))


def test_spans_do_not_bleed_into_each_other():
    x, y = echoes()
    net, _ = fit_tagger(Stretches(x, y, np.ones(400, np.float32), [(0, 200), (200, 400)], 64), small())
    other = x.copy()
    other[200:] = 1 - other[200:]
    np.testing.assert_array_equal(
        tag(net, x, [(0, 200), (200, 400)])[:200], tag(net, other, [(0, 200), (200, 400)])[:200]
    )
    assert np.isnan(tag(net, x, [(0, 200)])[200:]).all()


def test_the_filler_learns_to_fill_hidden_rows():
    # A wave: any row can be told from its neighbours.
    t = np.arange(600)
    x = np.stack([np.sin(t / 5), np.cos(t / 5)], axis=1).astype(np.float32)
    source = Stretches(x, np.zeros((600, 0), np.int8), np.ones(600, np.float32), [(0, 600)], 64)
    p = small()
    early = fit_masked_tagger(source, p.replace(train=p.train.replace(min_steps=0)))
    late = fit_masked_tagger(source, p)
    assert early.keys() == late.keys()
    y = (x[:, :1] > 0).astype(np.int8)
    few = Stretches(x, y, np.ones(600, np.float32), [(0, 600)], 64)
    net, _ = fit_tagger(few, p, body=late)
    assert ((tag(net, x, [(0, 600)]) > 0) == y).mean() > 0.95
