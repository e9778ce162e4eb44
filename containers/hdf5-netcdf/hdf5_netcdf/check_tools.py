"""--check-tools: what this machine lacks to run the handler without a container."""

import importlib.util
import json

MODULES = {"h5py": "python3-h5py", "netCDF4": "python3-netcdf4"}


def check_tools() -> int:
    """Prints `{"missing": [...], "install": "apt-get install ..."}`; returns 0 when nothing is missing, else 1."""
    lacking = [name for name in MODULES if importlib.util.find_spec(name) is None]
    packages = " ".join(MODULES[name] for name in lacking)
    install = f"apt-get install --no-install-recommends {packages}" if packages else ""
    print(json.dumps({"missing": [f"python: {name}" for name in lacking], "install": install}))
    return 1 if lacking else 0
