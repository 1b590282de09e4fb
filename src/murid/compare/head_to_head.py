"""Several methods on the same recordings: one table, paired differences, and people beside them.

Two methods are compared on the animals that both predicted. Animals are drawn anew, the same ones for both
methods, so that an animal that is hard for everybody does not widen the interval of the *difference*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.labels import Labels, Others
from murid.data.reserved_names import MACRO, behaviour_column
from murid.data.warning import warn_user
from murid.evaluate import agreement, bootstrap, frames
from murid.evaluate.evaluation_tables import METHODS


def methods_side_by_side(per_class: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Put what is worth comparing side by side: one row per behaviour and method, ``macro`` last.

    Parameters
    ----------
    per_class, totals : DataFrame
        Tables of an evaluation, with columns ``method`` and ``behaviour``.

    Returns
    -------
    DataFrame
        Columns of `murid.evaluate.evaluation_tables.METHODS`; within a behaviour the best frame F1 first.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.compare import methods_side_by_side
    >>> rows = pd.DataFrame({"method": ["a", "b"], "behaviour": "rear", "f1": [0.7, 0.9]})
    >>> methods_side_by_side(rows, rows.assign(time_r=1.0, time_bias=0.0))["method"].tolist()
    ['b', 'a']
    """
    keys = ["method", "behaviour"]
    table = per_class.merge(totals[[*keys, "time_r", "time_bias"]], on=keys, how="left")
    table = table[[c for c in METHODS.columns if c in table]]
    order = {b: k for k, b in enumerate([*(b for b in dict.fromkeys(table["behaviour"]) if b != MACRO), MACRO])}
    sort = table.assign(_k=table["behaviour"].map(order)).sort_values(
        ["_k", "f1"], ascending=[True, False], kind="stable", na_position="last"
    )
    return sort.drop(columns="_k").reset_index(drop=True)


#: Draws beyond each limit of an interval; a limit that rests on fewer is not steady.
TAIL_DRAWS = 20
#: More draws than this would not fit into memory with many recordings.
MOST_DRAWS = 100_000


def fewest_animals(alpha: float) -> int:
    """Return the fewest animals that can tell a difference from chance at a level.

    Where all of n animals favour one method, signs alone would do so, either way, with p = 2 / 2 ** n.

    Examples
    --------
    >>> fewest_animals(0.05), fewest_animals(0.01)
    (6, 8)
    """
    return int(np.ceil(1 - np.log2(alpha)))


def compare_with_best(
    recordings: pd.DataFrame,
    animals: Mapping[str, str],
    *,
    alpha: float = 0.05,
    n_boot: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare each method with the best one, on the recordings that both predicted.

    Parameters
    ----------
    recordings : DataFrame
        One row per method, recording and behaviour with ``tp, fp, fn, tn`` (evaluation table ``recordings``).
    animals : mapping of recording to animal
        Animals are resampled, with all their recordings.
    alpha : float
        Level: the limits hold 1 − alpha of the resamples, 95 % by default.
    n_boot, seed
        Resamples, seed. For a small `alpha` as many more as put 20 of them beyond each limit, up to 100,000.

    Returns
    -------
    DataFrame
        ``behaviour`` (and ``macro``), ``method, best, difference, low, high, n_recordings, n_animals``: frame F1 of the
        method minus that of the method with the highest macro F1, and percentile limits. Limits that exclude 0 say
        that the difference is more than which animals were at hand. NaN limits: fewer than five animals.
        With fewer animals than `fewest_animals` of `alpha`, six for .05, no difference is beyond chance: even if all
        agree, signs alone would do so more often.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.compare import compare_with_best
    >>> rows = [(m, f"r{k}", "rear", tp, 10, 100 - tp, 800) for k in range(8) for m, tp in (("a", 90 + k), ("b", 50))]
    >>> table = pd.DataFrame(rows, columns=["method", "recording", "behaviour", "tp", "fp", "fn", "tn"])
    >>> found = compare_with_best(table, {}, n_boot=200).set_index(["behaviour", "method"])
    >>> bool(found.loc[("rear", "b"), "high"] < 0)
    True
    """
    behaviours = list(dict.fromkeys(recordings["behaviour"]))
    cells = {m: _cells(part, behaviours) for m, part in recordings.groupby("method", sort=False)}
    macro = {m: float(frames.mean_known(frames.f1_of(np.sum(list(c.values()), axis=0)))) for m, c in cells.items()}
    best = max(macro, key=lambda m: (macro[m], m))
    rows, n_boot = [], max(n_boot, min(MOST_DRAWS, int(np.ceil(2 * TAIL_DRAWS / alpha))))
    for name, own in cells.items():
        if name == best:
            continue
        shared = [r for r in own if r in cells[best]]
        both = np.stack([np.stack([own[r], cells[best][r]]) for r in shared])
        groups = [animals.get(r, r) for r in shared]
        f1 = lambda x: _with_macro(frames.f1_of(x[:, 0])) - _with_macro(frames.f1_of(x[:, 1]))  # noqa: E731
        low, high = bootstrap.interval(both, f1, groups=groups, n_boot=n_boot, level=1 - alpha, seed=seed)
        for k, (behaviour, d) in enumerate(zip([*behaviours, MACRO], f1(both.sum(0)[None])[0], strict=True)):
            rows.append((behaviour, name, best, float(d), float(low[k]), float(high[k]), len(shared), len(set(groups))))
    columns = ["behaviour", "method", "best", "difference", "low", "high", "n_recordings", "n_animals"]
    return pd.DataFrame(rows, columns=columns)


def _cells(part: pd.DataFrame, behaviours: Sequence[str]) -> dict[str, np.ndarray]:
    """Recording → counts (behaviour, 4)."""
    out = {}
    for recording, rows in part.groupby("recording", sort=False):
        counts = rows.set_index("behaviour")[list(frames.CELLS)].reindex(list(behaviours)).fillna(0)
        out[str(recording)] = counts.to_numpy(np.float64)
    return out


def _with_macro(f1: np.ndarray) -> np.ndarray:
    return np.concatenate([f1, frames.mean_known(f1)[..., None]], axis=-1)


def ceiling(
    labels: Mapping[str, Labels],
    clocks: Mapping[str, ArrayLike],
    behaviours: Sequence[str],
    *,
    others: Others = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """How far people agree with each other on the same recordings: what can be asked of a method.

    Parameters
    ----------
    labels : mapping of recording to Labels
        Recordings with one rater only are left out.
    clocks : mapping of recording to array (time,)
        Seconds.
    behaviours : sequence of str
    others : str
        As in the evaluation.
    seed : int

    Returns
    -------
    DataFrame
        ``behaviour, f1`` (frames), ``event_f1`` (IoU ≥ .5), ``kappa, pabak``, means over pairs of raters; ``alpha``
        (Krippendorff, all raters); ``n_pairs, n_recordings``; a row ``macro``. Empty with one rater. Behaviours
        that some rater never wrote down in any recording are named in a warning: words, not eyes, may differ.

    Examples
    --------
    >>> import numpy as np, pandas as pd, murid
    >>> from murid.compare import ceiling
    >>> bouts = pd.DataFrame({"start_s": [1.0, 1.5], "stop_s": [5.0, 5.0], "label": "rear", "rater": ["A", "B"]})
    >>> labels = {"r": murid.Labels.from_bouts(bouts, duration_s=10)}
    >>> ceiling(labels, {"r": np.arange(100) / 10}, ["rear"]).set_index("behaviour")["f1"].round(2).to_dict()
    {'rear': 0.93, 'macro': 0.93}
    """
    several = [r for r, x in labels.items() if len(x.raters) > 1]
    if not several:
        return pd.DataFrame(
            columns=["behaviour", "f1", "event_f1", "kappa", "pabak", "alpha", "n_pairs", "n_recordings"]
        )
    _warn_of_vocabularies([labels[r] for r in several], behaviours)
    table = agreement.compare_raters(
        [labels[r] for r in several],
        behaviours,
        time_s=[clocks[r] for r in several],
        others=others,
        n_boot=2,
        seed=seed,
    )
    means = table.pairs.groupby("behaviour", sort=False)[["f1", "event_f1", "kappa", "pabak"]].mean()
    means["alpha"] = table.alpha
    means = means.rename(index=behaviour_column)
    means.loc[MACRO] = means.mean()
    pairs = table.pairs.groupby(["rater_a", "rater_b"]).ngroups
    return means.rename_axis("behaviour").reset_index().assign(n_pairs=pairs, n_recordings=len(several))


def _warn_of_vocabularies(labels: Sequence[Labels], behaviours: Sequence[str]) -> None:
    used: dict[str, set[str]] = {}
    for one in labels:
        for rater, part in one.bouts.groupby("rater"):
            used.setdefault(str(rater), set()).update(part["label"])
    never = [
        f"{r} never wrote {', '.join(b for b in behaviours if b not in words)}"
        for r, words in sorted(used.items())
        if not set(behaviours) <= words
    ]
    if never:
        warn_user(f"raters use different words, so their agreement is too low: {'; '.join(never)}")
