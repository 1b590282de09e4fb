"""Tests of the project itself: its version, its promises on paper, what it takes to add a thing."""
