"""HDF5 granules become CF netCDF: the handler. `job.py` is the order of the steps."""

VERSION = "1.0"
