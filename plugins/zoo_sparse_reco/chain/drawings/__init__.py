"""Pictures of reconstructed events and of their judgement."""
