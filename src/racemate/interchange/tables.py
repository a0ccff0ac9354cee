"""Results as the tables of other libraries: xarray with labels, pandas in the long form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from racemate.interchange.citations import NOTICE, citations

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from racemate.result import Result


def dataset(result: Result) -> xr.Dataset:
    """The result over (patient, time), every variable with units, a name in words and its sources."""
    import xarray as xr

    variables = {
        name: (("patient", "time"), values, {"units": result.units[name], "long_name": result.label(name),
                                             "sources": ", ".join(result.sources.get(name, ()))})
        for name, values in result.values.items()
    }  # fmt: skip
    coordinates = {
        "patient": ("patient", result.ids, {"long_name": "patient, counted from 1"}),
        "time": ("time", result.time, {"units": "min", "long_name": "time"}),
        "status": ("patient", np.asarray(result.status), {"long_name": "0 where the integration was completed"}),
    }
    return xr.Dataset(variables, coordinates, attributes(result))


def attributes(result: Result) -> dict[str, Any]:
    """What a file says about itself: the scenario to run again, the version, the sources in full."""
    return {
        "title": f"racemate: {result.scenario.regimen}",
        "scenario": json.dumps(result.scenario.to_dict()),
        "racemate_version": result.version,
        "references": "\n".join(f"{key}: {text}" for key, text in citations(result.references).items()),
        "warnings": "\n".join(result.warnings),
        "comment": NOTICE,
    }


def dataframe(result: Result) -> pd.DataFrame:
    """The long table ``id, time, name, value, unit`` (name and unit as categories)."""
    import pandas as pd

    n, times, names = result.n, result.time.size, list(result.values)
    block = n * times
    codes = np.repeat(np.arange(len(names)), block)
    units = list(dict.fromkeys(result.units[name] for name in names))
    unit_codes = np.repeat([units.index(result.units[name]) for name in names], block)
    named, in_unit = pd.Index(names), pd.Index(units)
    values = [result.values[name].ravel() for name in names]
    return pd.DataFrame(
        {
            "id": np.tile(np.repeat(result.ids, times), len(names)),
            "time": np.tile(result.time, n * len(names)),
            "name": pd.Categorical.from_codes(codes, named),
            "value": np.concatenate(values) if values else np.empty(0),
            "unit": pd.Categorical.from_codes(unit_codes, in_unit),
        }
    )
