"""Showers into files: HDF5 of cells, of layers, of the CaloChallenge, and LCIO.

Files appear when they are complete, and are written piece by piece.
"""
