"""Speed, memory and accuracy, measured. `python -m benchmarks` lists them; `make bench` runs the short ones."""
