"""Which units go with which behaviours

Selectivity is 2 AUROC − 1; dots mark pairs that differ from shifted behaviour after correction.
"""

# ---
import murid.plot
from murid import simulate
from murid.neural import compute_tuning

recording = simulate.recording(duration_s=600, fps=10, seed=3)
states = simulate.true_states(recording)
traces, truth = simulate.units(states, n_units=12, tuned={"rear": 3, "groom": 2}, seed=1)
ax = murid.plot.tuning(compute_tuning(traces, states))
figure = ax.figure
