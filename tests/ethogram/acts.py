"""Cases of the parameters of `murid.ethogram`."""

from __future__ import annotations

from functools import cache

from murid import simulate
from murid.ethogram.budget import BudgetParams, analyse_budget
from tests.parameter_cases import Acts


@cache
def scored():
    made = simulate.recording("open_field", duration_s=60, fps=10, seed=1)
    return made, simulate.true_states(made)


def time_budget(p: BudgetParams):
    recording, states = scored()
    return dict(analyse_budget(recording, p, states=states).frames)


CASES = {BudgetParams: Acts(time_budget, {"start_s": 20.0, "stop_s": 40.0})}
