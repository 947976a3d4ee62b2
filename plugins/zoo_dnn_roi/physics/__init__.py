"""Physics of a wire-readout liquid-argon chamber: simulation, deconvolution, classical ROIs."""
