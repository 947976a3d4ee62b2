"""Light in detectors: what simulators and baselines share."""
