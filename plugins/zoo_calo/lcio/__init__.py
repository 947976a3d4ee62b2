"""LCIO files without ROOT and without LCIO: records, blocks and what calorimeters need of them.

The layout is that of LCIO's SIO files (https://github.com/iLCSoft/LCIO): big-endian, aligned to
four bytes. Floors: ``xdr`` (numbers and text), ``sio`` (records and blocks), ``parameters``,
``headers``, ``particles`` and ``sim_hits`` (contents of blocks), ``reader`` and ``writer`` (files).
"""
