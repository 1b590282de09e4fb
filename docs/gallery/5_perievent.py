"""The response around events

The mean over animals with a 95 % band over animals (Student's t).
"""

# ---
import murid.plot
from murid import simulate
from murid.ethogram import bouts_of
from murid.neural import PeriEventParams, bout_events, compute_perievent, confidence_band

around = PeriEventParams(before_s=2, after_s=4, overlap="keep")
responses = []
for seed in range(6):
    states = simulate.true_states(simulate.recording(duration_s=300, fps=10, seed=seed))
    traces, _ = simulate.units(states, n_units=1, tuned={"rear": 1}, seed=seed)
    onsets = bout_events(bouts_of(states), "rear")
    responses.append(compute_perievent(traces, onsets, params=around, animal=f"m{seed}"))
band = confidence_band(responses)
ax = murid.plot.perievent(responses[0], band=band, label="ΔF/F")
ax.set_title("rear, 6 animals")
figure = ax.figure
