"""The first TRACKS tracks of each cell by length and momentum: TEST.h5 OUT.h5 TRACKS.

Long tracks of low momentum are rare. What is judged cell by cell needs no more of the others.
"""

import sys
from pathlib import Path

import numpy as np

from zoo.api import Table
from zoo.data.reader import read_block
from zoo.data.store import TableFile
from zoo.data.writer import TableWriter
from zoo_ha_tpc.metrics import LENGTHS_MM, MOMENTA
from zoo_ha_tpc.physics.pad_plane import plane_of
from zoo_ha_tpc.specs import SAMPLE
from zoo_ha_tpc.track_lengths import extent_of

test, out, tracks = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
file = TableFile(test)
taken = np.zeros((len(LENGTHS_MM) + 1, len(MOMENTA) + 1), int)


def first(table: Table) -> Table:
    """Those whose cell is not full, of blocks one after the other."""
    length = np.digitize(extent_of(table, plane_of(file.facts)).length_mm, LENGTHS_MM)
    p_t = np.digitize(1 / np.abs(table["q_over_pt"]), MOMENTA)
    chosen = []
    for row, cell in enumerate(zip(length, p_t, strict=True)):
        if taken[cell] < tracks:
            taken[cell] += 1
            chosen.append(row)
    return table.take(np.array(chosen, int))


about = {"of": file.digest, "tracks": tracks}
with TableWriter(out, SAMPLE, facts=file.facts, task=file.task, block_rows=500, about=about) as new:
    for block in file.blocks():
        some = first(read_block(file, block, file.fields))
        if some.rows:
            new.append(some)
sys.stdout.write(f"{taken}\n")
