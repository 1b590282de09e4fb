"""The path of an animal

Arena in full lines, zones dashed, a bar for the scale.
"""

# ---
import murid.plot
from murid import simulate

recording = simulate.recording(duration_s=120, seed=1, id="m1")
ax = murid.plot.trajectory(recording)
figure = ax.figure
