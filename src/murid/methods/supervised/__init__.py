"""Methods that learn behaviours from labels: SimBA, JAABA, DLCAnalyzer, MARS, `rules` and murid's own `gbdt`."""
