from __future__ import annotations

import numpy as np
import pytest

from murid.prepare.kalman import MIN_CONFIDENCE, kalman_smooth

from .tracks import smooth_path


def reference(xy, time, seen, confidence, ratio, order):
    """Textbook Kalman filter and Rauch–Tung–Striebel smoother, one coordinate, plain matrices."""
    r = 1 / np.clip(confidence, MIN_CONFIDENCE, 1)
    h = np.eye(order)[:1]
    means, covs, aheads, preds, fs = [], [], [], [], []
    for t in range(len(xy)):
        if t == 0:
            dt = time[1] - time[0]
            m, p = np.zeros(order), np.diag([1e4 * r[0] / dt ** (2 * i) for i in range(order)])
            m[0], f = xy[0], np.eye(order)
        else:
            dt = time[t] - time[t - 1]
            f = np.array([[1, dt, dt**2 / 2], [0, 1, dt], [0, 0, 1]])[:order, :order]
            q = {
                2: [[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]],
                3: [[dt**5 / 20, dt**4 / 8, dt**3 / 6], [dt**4 / 8, dt**3 / 3, dt**2 / 2], [dt**3 / 6, dt**2 / 2, dt]],
            }[order]
            m, p = f @ means[-1], f @ covs[-1] @ f.T + ratio * np.array(q)
        preds.append(m), aheads.append(p), fs.append(f)
        if seen[t]:
            gain = p @ h.T / (h @ p @ h.T + r[t])
            m, p = m + gain[:, 0] * (xy[t] - m[0]), p - gain @ h @ p
        means.append(m), covs.append(p)
    out = [means[-1]]
    for t in range(len(xy) - 2, -1, -1):
        back = covs[t] @ fs[t + 1].T @ np.linalg.inv(aheads[t + 1])
        out.insert(0, means[t] + back @ (out[0] - preds[t + 1]))
    return np.array(out)[:, 0]


@pytest.mark.parametrize(("model", "order", "ratio"), [("cv", 2, 300.0), ("cv", 2, 1e6), ("ca", 3, 1e7)])
def test_is_the_textbook_smoother(model, order, ratio):
    rng = np.random.default_rng(1)
    time = np.cumsum(rng.uniform(0.03, 0.05, 200))
    xy = np.cumsum(rng.normal(size=(200, 2)), axis=0)
    confidence = rng.uniform(0, 1, 200)
    seen = rng.random(200) > 0.3
    seen[[0, -1]] = True
    got, used = kalman_smooth(
        np.where(seen[:, None], xy, np.nan), time, confidence, max_gap_s=9.0, model=model, noise_ratio=ratio
    )
    assert used == ratio
    for c in range(2):
        np.testing.assert_allclose(got[:, c], reference(xy[:, c], time, seen, confidence, ratio, order), atol=1e-6)


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("model", ["cv", "ca"])
def test_is_nearer_to_the_truth_than_the_sightings(fps, model):
    rng = np.random.default_rng(2)
    n = int(60 * fps)
    truth = smooth_path(n, fps, rng)
    confidence = rng.uniform(0.2, 1, n)
    noisy = truth + rng.normal(0, 0.3, (n, 2)) / np.sqrt(confidence)[:, None]
    got, _ = kalman_smooth(noisy, np.arange(n) / fps, confidence, model=model)
    flat, _ = kalman_smooth(noisy, np.arange(n) / fps, model=model)

    def rmse(x):
        return np.sqrt(np.mean((x - truth) ** 2))

    def speed_rmse(x):
        return np.sqrt(np.mean((np.diff(x, axis=0) - np.diff(truth, axis=0)) ** 2)) * fps

    assert rmse(got) < 0.65 * rmse(noisy)
    assert speed_rmse(got) < 0.35 * speed_rmse(noisy)
    assert rmse(got) < rmse(flat)  # believing the confidence helps


def test_long_gaps_stay_open_and_split_the_track():
    truth = smooth_path(300, 30.0, np.random.default_rng(0))
    time = np.arange(300) / 30
    x = truth.copy()
    x[100:104] = np.nan  # 0.13 s
    x[200:230] = np.nan  # 1 s
    got, ratio = kalman_smooth(x, time, max_gap_s=0.2)
    assert np.isfinite(got[:200]).all()
    assert np.isnan(got[200:230]).all()
    assert np.isfinite(got[230:]).all()
    moved = x.copy()
    moved[230:] += 100
    again, _ = kalman_smooth(moved, time, max_gap_s=0.2, noise_ratio=ratio)
    np.testing.assert_allclose(again[:200], got[:200])


def test_too_little_data_is_left_alone():
    x = np.array([[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]])
    got, ratio = kalman_smooth(x, np.arange(3) / 10)
    np.testing.assert_array_equal(got, [[1, 2], [np.nan, np.nan], [3, 4]])
    assert np.isnan(ratio)
