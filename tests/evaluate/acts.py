"""Cases of the parameters of `murid.evaluate`."""

from __future__ import annotations

from functools import cache

import numpy as np

from murid.data.bouts import make_bouts
from murid.data.labels import LabelChoice, Labels
from murid.data.recording import Recording
from murid.evaluate.agreement_analysis import AgreementParams, analyse_agreement
from tests.parameter_cases import Acts


@cache
def rated() -> list[Recording]:
    """Two raters who differ by up to a second and whose bouts overlap by a third to all."""
    starts = [3.0, 11.0, 18.5, 26.0, 33.3, 41.7, 50.0]
    late = [0.0, 0.13, 0.4, 0.9, 0.02, 0.31, 1.1]
    begin = np.concatenate([starts, np.add(starts, late)])
    bouts = make_bouts(start_s=begin, stop_s=begin + 1.6, label="rear", rater=["A"] * 7 + ["B"] * 7)
    return [Recording("r", labels=Labels.from_bouts(bouts, duration_s=60.0), animal="a")]


def agreed(p: AgreementParams):
    return dict(analyse_agreement(rated(), p, choice=LabelChoice(), seed=0).frames)


CASES = {
    AgreementParams: Acts(agreed, {"rate_hz": 3.0, "iou": 0.9, "block_s": 3.0, "n_boot": 101}, base={"n_boot": 100})
}
