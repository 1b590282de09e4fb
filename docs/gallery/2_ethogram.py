"""What an animal did, and when

White: scored, none of the behaviours. Hatched: not scored.
"""

# ---
import murid.plot
from murid import simulate

recording = simulate.recording(duration_s=120, seed=1)
states = simulate.true_states(recording)
states[700:1000] = -1  # nobody looked at these frames
ax = murid.plot.ethogram(states)
figure = ax.figure
