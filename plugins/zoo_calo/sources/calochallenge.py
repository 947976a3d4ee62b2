"""HDF5 files of the CaloChallenge: ``incident_energies`` (N, 1) and ``showers`` (N, voxels), MeV.

Which voxel is where is in an XML file beside them. Voxels count r fastest, then angle, then layer.
See https://calochallenge.github.io/homepage/.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.api import DataError
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.showers import listed
from zoo_calo.sources.binning_xml import Binning, read_binnings
from zoo_calo.sources.files_config import CaloChallengeConfig
from zoo_calo.sources.hdf5 import block_rows, files_of, numbers, opened, rows_of
from zoo_calo.sources.looks import require_deposits
from zoo_calo.sources.shower_files import ShowerFile, ShowerFiles

__all__ = ["CaloChallenge", "challenge_grid"]

_MEV = 1000.0  # in a GeV
_SAMPLED = 45  # layers of data sets 2 and 3, each of two plates of tungsten and silicon
_PITCH_MM = 3.4
_SAMPLING = 0.033  # energies of data sets 2 and 3 are deposits divided by this
_SILICON_MIP_MEV = 0.3 * 0.278  # 0.3 mm; 0.278 MeV / mm is the most probable loss in thin silicon
_VOXEL_MEV = 10.0  # threshold of data set 1


class CaloChallenge(ShowerFiles):
    """A file, or a folder of them with their XML; see :class:`ShowerFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        DataError: A file is damaged, or no binning fits it.
    """

    config: CaloChallengeConfig

    def __init__(self, config: CaloChallengeConfig, path: str | Path) -> None:
        where = Path(path)
        files, voxels = [], set()
        for file in files_of(where, ".h5", ".hdf5"):
            with opened(file) as content:
                showers = numbers(content, "showers", (None,))
                energies = numbers(content, "incident_energies", (1,))
                if len(energies) != len(showers):
                    raise DataError(
                        f"{len(energies)} energies for {len(showers)} showers",
                        where=f"{file}:/incident_energies",
                        remedy="the file was cut short: write it again",
                    )
                voxels.add(int(showers.shape[1]))
                files.append(ShowerFile(file, len(showers), block_rows(showers, config.rows)))
        if len(voxels) > 1:
            raise DataError(
                f"files of {sorted(voxels)} voxels",
                where=str(where),
                remedy="give the files of one data set",
            )
        binning = _binning(config, where, voxels.pop())
        grid = challenge_grid(binning, config.layer_pitch_mm, config.threshold_mev)
        about = {
            "format": "CaloChallenge",
            "particle": binning.particle,
            "layer_ids": list(binning.layers),
        }
        fields = frozenset({"energy", "cell", "deposit"})
        super().__init__(config, where, files=files, grid=grid, fields=fields, about=about)

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """See :meth:`ShowerFiles.showers`."""
        columns: dict[str, Any] = {}
        with opened(path) as content:
            if "energy" in fields:
                energy = rows_of(numbers(content, "incident_energies", (1,)), rows)[:, 0]
                columns["energy"] = energy / _MEV
            if fields & {"cell", "deposit"}:
                voxels = rows_of(content["showers"], rows)
                require_deposits(voxels, f"{path}:/showers")
                columns["cell"], columns["deposit"] = listed(voxels)
        return columns


def challenge_grid(
    binning: Binning, pitch_mm: float = 0.0, threshold_mev: float | None = None
) -> Grid:
    """The grid of a binning.

    Args:
        binning: Of the XML file.
        pitch_mm: Depth of a layer; 0: by their number, see the settings.
        threshold_mev: Energy below which a voxel does not count; ``None``: by their number.
    """
    layers = len(binning.layers)
    sampled = layers == _SAMPLED
    pitch = pitch_mm or (_PITCH_MM if sampled else 1.0)
    usual = 0.5e-3 / _SAMPLING if sampled else _VOXEL_MEV
    threshold = usual if threshold_mev is None else threshold_mev
    return Grid(
        name=f"CaloChallenge, {binning.particle or 'particle'}, {binning.voxels} voxels",
        depth_mm=tuple((number + 0.5) * pitch for number in range(layers)),
        layer_weight=(1.0,) * layers,
        threshold_mev=threshold,
        mip_mev=_SILICON_MIP_MEV / _SAMPLING if sampled else 2 * _VOXEL_MEV,
        rings=binning.rings,
    )


def _binning(config: CaloChallengeConfig, path: Path, voxels: int) -> Binning:
    if config.binning:
        candidates = [Path(config.binning)]
    else:
        folder = path if path.is_dir() else path.parent
        candidates = sorted(folder.glob("*.xml"))
    found = {
        one
        for candidate in candidates
        for one in _readable(candidate, required=bool(config.binning))
        if config.particle in ("", one.particle)
    }
    fitting = [one for one in found if one.voxels == voxels]
    if len({one.rings for one in fitting}) == 1:
        return min(fitting, key=lambda one: one.particle)
    if fitting:
        names = ", ".join(sorted(one.particle for one in fitting))
        raise DataError(
            f"several binnings have {voxels} voxels: {names}",
            where=str(path),
            remedy="set data.options.binning or data.options.particle",
        )
    told = ", ".join(sorted(f"{one.particle} {one.voxels}" for one in found)) or "none"
    raise DataError(
        f"{voxels} voxels, and the binning found has: {told}",
        where=config.binning or str(path),
        remedy="set data.options.binning to the XML file of this data set: 368 voxels are photons "
        "and 533 pions of data set 1, 6480 data set 2, 40500 data set 3",
    )


def _readable(path: Path, *, required: bool) -> list[Binning]:
    """Of the file that is named, or of one that happens to lie there."""
    try:
        return read_binnings(path)
    except DataError:
        if required:
            raise
        return []
