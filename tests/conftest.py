"""What every test shares: hypothesis profiles, a headless plot backend and a cache of its own."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("RACEMATE_CACHE", str(ROOT / "build" / "test-cache"))

# `ci` draws the same examples every time, so that a red run is a red change; `full` looks further.
_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60, suppress_health_check=_slow)
settings.register_profile("full", deadline=None, max_examples=1000, suppress_health_check=_slow, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
