"""Files of reconstructed events: ours, and one in the layout of SPINE's."""
