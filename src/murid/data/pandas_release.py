"""What differs between the releases of pandas that murid lives with."""

from __future__ import annotations

from typing import Any

import pandas as pd

#: Whether this pandas is 3.1 or later: reads numbers to the last bit by itself, stores no version in HDF5 files.
SINCE_3_1 = tuple(int(part) for part in pd.__version__.split(".")[:2]) >= (3, 1)
#: Arguments of `pandas.read_csv` with which it reads numbers to the last bit.
EXACT_NUMBERS: dict[str, Any] = {} if SINCE_3_1 else {"float_precision": "round_trip"}
