"""Tables that put motif methods side by side, as ``murid compare-motifs`` keeps them."""

from __future__ import annotations

from murid.data.tables import Table, TableColumn, count_column, number_column, text_column


def _share(why: str) -> TableColumn:
    return number_column(low=0, high=1 + 1e-9, why=why, optional=True)


def _agreement(why: str) -> TableColumn:
    return number_column(low=-1, high=1 + 1e-9, why=why, optional=True)


MOTIFS = Table(
    "motifs",
    {
        "method": text_column(why="method"),
        "fit_s": number_column(unit="s", low=0, why="seconds of the fit, reading included", optional=True),
        "fit_cpu_s": number_column(
            unit="s", low=0, why="CPU seconds of the fit, all threads: comparable on a busy machine", optional=True
        ),
        "apply_fps": number_column(unit="1/s", low=0, why="frames labelled a second, reading included", optional=True),
        "peak_mb": number_column(
            unit="MB",
            low=0,
            why="largest memory of the process during the fit, its libraries included, MB",
            optional=True,
        ),
        "motifs": number_column(low=0, why="motifs that occur", optional=True),
        "labelled": _share("share of the frames with a motif"),
        "median_ms": number_column(unit="ms", low=0, why="median bout, ms", optional=True),
        "below_100ms": _share("share of bouts under 100 ms"),
        "ami": _agreement("adjusted mutual information with the labels"),
        "ami_control": _agreement("the same for a blind segmentation with equal usage and bout lengths"),
        "ami_z": number_column(why="how many sd above the control", optional=True),
        "probe_f1": _share(
            "macro F1 of a linear reader of the motifs, each animal read by one that learnt from others"
        ),
        "probe_control": _share("the same for the blind segmentation"),
        "change": number_column(why="posture change at motif onsets, sd over the recording", optional=True),
        "change_z": number_column(why="the same against shifted onsets", optional=True),
        "seed_ari": _agreement("ARI between fits with different seeds"),
        "half_ari": _agreement("ARI between fits to halves of the animals, on all animals"),
        "cut_ari": _agreement("ARI with the labels of the second half of each recording when it is given alone"),
        "jitter_ari": _agreement("ARI with the labels of the same tracks after jitter of 0.5 to 3 px"),
        "dropout_ari": _agreement("the same with a tenth of the keypoints hidden"),
        "rate_ari": _agreement("the same at half and at twice the frame rate, where the method takes it"),
        "mirror_ari": _agreement("the same of the mirrored picture"),
        "size_ari": _agreement("the same of animals 15 % smaller or larger"),
        "failed": text_column(why="what could not be done, and why", optional=True),
    },
    "One row a method; what is known for none is left out.",
)
_ARI: dict[str, TableColumn] = {
    "ari": number_column(low=-1, high=1 + 1e-9, why="adjusted Rand index; 0 is chance"),
    "agreement": number_column(low=0, high=1 + 1e-9, why="share of frames, motifs matched one to one"),
}
STABILITY = Table(
    "stability",
    {
        "method": text_column(),
        "kind": text_column(why="other seed, or half of the animals"),
        "run_a": text_column(),
        "run_b": text_column(),
        **_ARI,
        "k_a": count_column(why="motifs of the first fit"),
        "k_b": count_column(why="motifs of the second fit"),
    },
    "One row a method and pair of fits.",
)
CUTS = Table(
    "cuts",
    {"method": text_column(), "kind": text_column(), "recording": text_column(), **_ARI},
    "One row a method and recording whose second half was labelled alone.",
)
ROBUSTNESS = Table(
    "robustness",
    {
        "method": text_column(),
        "kind": text_column(why="what was changed of the tracks"),
        "level": number_column(why="in the unit of the row"),
        "unit": text_column(),
        **_ARI,
        "labelled": number_column(low=0, high=1 + 1e-9, why="share of the frames with a motif"),
        "refused": text_column(why="why the method did not take the variant"),
    },
    "One row a method and variant of the tracks.",
)
TABLES = (MOTIFS, STABILITY, CUTS, ROBUSTNESS)
