"""Feature sets of published methods, written as compositions of the families.

Each file holds one method's per-frame features on a `Scene`: for every animal alone, for every
directed pair, in the table's unit of length and per second.
"""
