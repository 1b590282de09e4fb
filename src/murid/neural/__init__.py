"""Neural signals and behaviour: one clock, tuning with the right null, peri-event averages, photometry.

===================  ==========================================================================
`align`              states onto the neural clock, traces onto the behaviour clock
`compute_tuning`     which units are tuned to which behaviours (AUROC or MI, all-shift null, FDR)
`nulls`              circular and linear shift nulls, drift diagnostic
`compute_perievent`  PSTH and event-triggered averages around bouts or events
`confidence_bands`   confidence bands over animals, or over stretches of one animal's events
`perievent_tests`    sign flips with cluster mass
`event_shifts`       shifts of the event train
`photometry`         isosbestic fit, bleaching, dF/F, z scores with a stated baseline, transients
`state_means`        mean signal per state or zone
`decoding`           latents and states from activity, held out in blocks of time (ridge, conv)
`bayes`              decoded latents weighed against how the animal is known to move (AR-HMM prior)
===================  ==========================================================================
"""

from __future__ import annotations

from murid.data.meet import state_fractions, states_on, traces_on
from murid.neural.bayes import Combined, combine
from murid.neural.confidence_bands import bootstrap_ci, confidence_band
from murid.neural.decoding import Decoded, DecodedStates, DecodingParams, decode, decode_states
from murid.neural.event_shifts import shift_test
from murid.neural.perievent import PeriEvent, PeriEventParams, bout_events, compute_perievent, join
from murid.neural.perievent_tests import ResponseTest, sign_flip_test
from murid.neural.photometry import dff, fit_isosbestic, zscore
from murid.neural.state_means import by_state
from murid.neural.tuning import TuningParams, TuningResult, compute_tuning

__all__ = [
    "Combined",
    "Decoded",
    "DecodedStates",
    "DecodingParams",
    "PeriEvent",
    "PeriEventParams",
    "ResponseTest",
    "TuningParams",
    "TuningResult",
    "bootstrap_ci",
    "bout_events",
    "by_state",
    "combine",
    "confidence_band",
    "decode",
    "decode_states",
    "dff",
    "fit_isosbestic",
    "join",
    "compute_perievent",
    "shift_test",
    "sign_flip_test",
    "state_fractions",
    "states_on",
    "traces_on",
    "compute_tuning",
    "zscore",
]
