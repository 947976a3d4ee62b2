"""Classical reconstruction of tracks from pads."""

from zoo_ha_tpc.fitting.calibration import Calibration
from zoo_ha_tpc.fitting.robust import Matter
from zoo_ha_tpc.fitting.track_fits import FittedClusters, TrackFits
from zoo_ha_tpc.fitting.tracks import fit_tracks

__all__ = ["Calibration", "FittedClusters", "Matter", "TrackFits", "fit_tracks"]
