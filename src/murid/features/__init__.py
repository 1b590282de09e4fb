"""Features: from poses to a table of named, unit-bearing numbers, frame by frame.

`compute` gives the whole table, `iter_blocks` the same in bounded memory, `compute_rows` only the
wanted frames; `FeatureTable` gives X, y and groups of many recordings for scikit-learn. `speed`,
`velocity`, `heading`, `distance` and `body_length` are labelled arrays of single quantities. Roles
(`murid.data.roles.guess_roles`) make the names independent of how a lab calls its keypoints.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
