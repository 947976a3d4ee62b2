"""Pictures of how well tracks are measured."""
