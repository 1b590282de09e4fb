"""Readers of continuous neural signals, one format per file. Found and loaded by `murid.io.registry`."""
