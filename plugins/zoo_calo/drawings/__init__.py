"""Pictures of showers and of how far generated ones are from true ones."""
