"""Tables of ``murid label-queue``: checked when written, and read by these declarations."""

from __future__ import annotations

from murid.data.tables import Table, count_column, number_column, text_column

_EPS = 1e-6

QUEUE = Table(
    "queue",
    {
        "rank": count_column(why="in the order to label, from 1"),
        "recording": text_column(),
        "individual": text_column(),
        "start_s": number_column("start", unit="s"),
        "stop_s": number_column("stop", unit="s"),
        "kind": text_column(
            choices=("uncertain", "blind"), why="doubtful bouts, or random windows whose prediction is withheld"
        ),
        "proposed": text_column(why="behaviour that the model would call it; empty where it is withheld"),
        "probability": number_column(low=0, high=1 + _EPS, why="of the proposed behaviour"),
        "uncertainty": number_column(low=0, why="how near to the decision"),
        "unseen": number_column(low=0, high=1 + _EPS, why="share of training frames that were less strange"),
        "why": text_column(),
    },
    "One row a bout to label next.",
)
LEARNING_POINTS = Table(
    "learning_points",
    {
        "fold": count_column(),
        "n_bouts": count_column("labelled bouts"),
        "score": number_column("macro F1", low=0, high=1 + _EPS, why="of frames of held-out animals"),
    },
    "One row a fold and amount of labels.",
)
LEARNING_CURVE = Table(
    "learning_curve",
    {
        "n_bouts": count_column("labelled bouts"),
        "expected": number_column("expected macro F1", why="by the curve fitted to the points"),
        "low": number_column(why="lower end of its 95 % interval, over folds"),
        "high": number_column(why="upper end of its 95 % interval"),
    },
    "One row an amount of labels.",
)
TABLES = (QUEUE, LEARNING_POINTS, LEARNING_CURVE)
