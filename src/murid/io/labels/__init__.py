"""Readers of behaviour labels, one format per file. Found and loaded by `murid.io.registry`."""
