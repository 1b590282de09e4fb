"""Readers of pose files, one format per file. Found and loaded by `murid.io.registry`."""
