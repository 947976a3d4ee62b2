"""The figures of DNN-ROI, one subject a module."""
