"""Embeddings: from many features to a few, one method a file."""
