"""The nouns and their checks; clocks; errors; parameter declaration. No algorithms."""
