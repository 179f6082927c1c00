"""Measurements, side by side in one run, as ratios of CPU seconds."""
