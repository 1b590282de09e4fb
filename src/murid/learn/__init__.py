"""Fitted parts that methods share: embeddings, segmentation, classifiers, networks."""
