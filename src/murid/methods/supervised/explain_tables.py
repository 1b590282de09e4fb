"""Tables of ``murid explain``: checked when written, and read by these declarations."""

from __future__ import annotations

from murid.data.tables import Table, count_column, number_column, text_column

#: How far rounding may carry a share over 1.
_EPS = 1e-6
_BEHAVIOUR = text_column()
_STRENGTH = number_column(low=0, why="mean absolute contribution, log-odds; 0 where a model does not use it")
_PROBABILITY = number_column(low=0, high=1 + _EPS, why="of the behaviour, by the model")

FAMILIES = Table(
    "explain_families",
    {
        "behaviour": _BEHAVIOUR,
        "family": text_column(why="family of features"),
        "strength": _STRENGTH,
        "share": number_column(low=0, high=1 + _EPS, why="of the strength of all families"),
        "loss": number_column(why="fall of the area under the precision-recall curve when the family is scrambled"),
        "loss_low": number_column(why="lower end of its 95 % interval, over recordings"),
        "loss_high": number_column(why="upper end of its 95 % interval"),
        "pr_auc": number_column(low=0, high=1 + _EPS, why="area under the precision-recall curve, nothing scrambled"),
        "n_recordings": count_column("recordings", why="that show the behaviour"),
    },
    "One row a behaviour and family of features, mean over recordings, strongest first.",
)
FEATURES = Table(
    "explain_features",
    {
        "behaviour": _BEHAVIOUR,
        "feature": text_column(),
        "strength": _STRENGTH,
        "direction": number_column(
            low=-1 - _EPS, high=1 + _EPS, why="correlation of value and contribution: + more of it speaks for it"
        ),
        "family": text_column(),
        "words": text_column(why="the feature in words"),
        "how": text_column(why="how contributions were computed"),
    },
    "One row a behaviour and feature, mean over recordings, strongest first.",
)
EXAMPLES = Table(
    "explain_examples",
    {
        "recording": text_column(),
        "individual": text_column(),
        "behaviour": _BEHAVIOUR,
        "kind": text_column(choices=("right", "false", "missed")),
        "start_s": number_column("start", unit="s"),
        "stop_s": number_column("stop", unit="s"),
        "probability": _PROBABILITY,
    },
    "One row a bout to watch.",
)
WHY = Table(
    "explain_why",
    {
        "recording": text_column(),
        "individual": text_column(),
        "time_s": number_column("time", unit="s"),
        "behaviour": _BEHAVIOUR,
        "probability": _PROBABILITY,
        "feature": text_column(),
        "value": number_column(why="of the feature, in the unit of its row"),
        "unit": text_column(),
        "rank": number_column(low=0, high=1 + _EPS, why="share of the recording's frames with a lower value"),
        "contribution": number_column(why="log-odds; + speaks for the behaviour"),
        "words": text_column(),
    },
    "One row a feature that speaks for or against the behaviour in one frame, largest contribution first.",
)
TABLES = (FAMILIES, FEATURES, EXAMPLES, WHY)
