"""Trainings that another program starts: scripts for batch systems. Imports no torch."""
