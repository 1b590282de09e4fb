"""Which of two raters comes first, by name or in the file, changes no number of agreement."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from murid.data.labels import Labels
from murid.evaluate.agreement import RaterAgreement, compare_raters

TIME = np.arange(120) / 10


def bouts_of_raters(seed: int) -> list[pd.DataFrame]:
    """Three raters who see bouts of 0.1 to 1.1 s, some of which overlap one or several of another rater."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(3):
        start = np.sort(rng.choice(110, 6, replace=False)) / 10
        stop = start + rng.integers(1, 12, 6) / 10
        out.append(pd.DataFrame({"start_s": start, "stop_s": stop, "label": rng.choice(["rear", "dig"], 6)}))
    return out


def agreement(parts: list[pd.DataFrame], names: tuple[str, ...], order: tuple[int, ...]) -> RaterAgreement:
    bouts = pd.concat([parts[k].assign(rater=names[k]) for k in order], ignore_index=True)
    return compare_raters(Labels.from_bouts(bouts, duration_s=12.0), ["rear", "dig"], time_s=TIME, n_boot=5)


def by_pair(table: pd.DataFrame, names: tuple[str, ...]) -> dict[object, list[float]]:
    out = {}
    for row in table.drop(columns="interval_over", errors="ignore").to_dict("records"):
        pair = frozenset((names.index(row.pop("rater_a")), names.index(row.pop("rater_b"))))
        key = pair, row.pop("behaviour", "")
        out[key] = list(row.values())
    return out


@pytest.mark.parametrize("seed", [0, 1])
def test_every_number_is_symmetric_in_the_raters(seed):
    parts = bouts_of_raters(seed)
    plain = agreement(parts, ("A", "B", "C"), (0, 1, 2))
    for names, order in (*((p, (0, 1, 2)) for p in permutations("ABC")), (("A", "B", "C"), (2, 0, 1))):
        other = agreement(parts, names, order)
        for table in ("pairs", "classes"):
            mine, theirs = by_pair(getattr(plain, table), ("A", "B", "C")), by_pair(getattr(other, table), names)
            assert mine.keys() == theirs.keys()
            for key, values in mine.items():
                np.testing.assert_allclose(theirs[key], values, rtol=1e-12, atol=1e-12, err_msg=f"{names} {key}")
        np.testing.assert_allclose(other.alpha, plain.alpha, rtol=1e-12)
    assert len(plain.pairs) == 6
    assert plain.pairs["event_f1"].between(0, 1).all()
