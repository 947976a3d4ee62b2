"""What simulation, fits and metrics share: pad plane, ionisation, response, track models."""
