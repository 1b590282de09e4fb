"""Pure plotting functions: arrays and tables in, matplotlib ``Figure`` out. No pyplot, no global state."""
