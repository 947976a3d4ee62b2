"""DNN-ROI: finding regions of interest on the wire planes of a liquid-argon chamber."""
