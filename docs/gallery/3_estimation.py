"""Do groups differ?

Every dot is one animal. At the right the difference of the means with its 95 % interval, on an axis whose zero is the
mean of the first group.
"""

# ---
import numpy as np
import pandas as pd

import murid.plot

rng = np.random.default_rng(0)
animals = pd.DataFrame({"animal": [f"m{k}" for k in range(24)], "group": ["control"] * 12 + ["drug"] * 12})
animals["distance"] = rng.normal(30, 5, 24) + 6 * (animals["group"] == "drug")
ax = murid.plot.estimation(animals, "distance", label="distance (m)")
figure = ax.figure
