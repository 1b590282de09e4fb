"""Silhouettes: shares of pixels, in the middle of the crop, the same for turned copies of one shape."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.video import Video
from murid.features.silhouette import silhouettes

cv2 = pytest.importorskip("cv2")


def test_turned_ellipses_are_one_ellipse(tmp_path):
    path = tmp_path / "v.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (640, 480))
    yy, xx = np.mgrid[:480, :640]
    angles = np.deg2rad(17 * np.arange(10))
    for a in angles:
        u = (xx - 320) * np.cos(a) + (yy - 240) * np.sin(a)
        v = -(xx - 320) * np.sin(a) + (yy - 240) * np.cos(a)
        grey = ((u / 60) ** 2 + (v / 25) ** 2 < 1).astype(np.uint8) * 255
        writer.write(np.repeat(grey[..., None], 3, 2))
    writer.release()
    way = np.stack([np.cos(angles), np.sin(angles)], 1) * 60
    middle = np.array([320, 240])
    crops = silhouettes(Video(path), np.arange(10), middle + way, middle - way, length_px=120).reshape(10, 32, 32)
    # Pixels were 0 or 1 (.4 % partly covered, right 4.3 %), and the middle lay at 16.0 for 15.5.
    partly = ((crops > 0.02) & (crops < 0.98)).mean()
    assert 0.03 < partly < 0.06
    columns, rows = np.meshgrid(np.arange(32), np.arange(32))
    for crop in crops:
        assert (crop * columns).sum() / crop.sum() == pytest.approx(15.5, abs=0.1)
        assert (crop * rows).sum() / crop.sum() == pytest.approx(15.5, abs=0.1)
    area = np.pi * 60 * 25 * (32 / 240) ** 2
    np.testing.assert_allclose(crops.sum(axis=(1, 2)), area, rtol=0.03)
