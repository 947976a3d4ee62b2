"""A fit to the charges of all pads at once, and to when they came.

Clusters are lines of pads, and the place of each is told by its own charges alone. Where a track
runs obliquely to the pads, uneven ionisation along a pad moves the charges of several lines
together; what one line takes for a shift of the track its neighbours can tell from a fluctuation.
This fit weighs all pads of a *stretch* of the track with the covariance that ionisation, diffusion,
avalanches and noise give what they report: heights, times and widths of their pulses. Charge that
arrived further from a pad reaches it later, so times and widths tell apart what heights do not.
"""

from zoo_ha_tpc.charge_fit.refining import by_charges
from zoo_ha_tpc.charge_fit.settings import ChargeFitConfig, charge_settings

__all__ = ["ChargeFitConfig", "by_charges", "charge_settings"]
