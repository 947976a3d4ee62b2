"""Tracks of a zoo file as one numpy archive, as others have them: FILE.h5 FILE.npz."""

import sys

import numpy as np

from zoo.api import Table
from zoo.data.reader import read_block
from zoo.data.store import TableFile

HITS = ("hit_row", "hit_column", "hit_charge", "hit_time", "hit_width")
TRUTH = ("q_over_pt", "phi", "tan_lambda", "x_ini", "y_ini", "z_ini")

path, archive = sys.argv[1:]
file = TableFile(path)
fields = frozenset({*HITS, *TRUTH})
table = Table.concat([read_block(file, block, fields) for block in file.blocks()])
np.savez(
    archive,
    hit_offsets=table["hit_row"].offsets,
    **{name: table[name].values for name in HITS},
    **{name: table[name] for name in TRUTH},
)
