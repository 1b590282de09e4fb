"""Segmentation: from feature sequences to states, one model a file."""
