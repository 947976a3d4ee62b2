"""Programs that load exported generators."""
