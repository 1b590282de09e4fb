"""Methods that find motifs without labels, and murid's own `syllables`: unsupervised methods of the review's table."""
