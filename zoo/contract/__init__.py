"""The typed protocols between the core and a plugin. Imports neither torch, numpy nor h5py."""
