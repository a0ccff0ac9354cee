"""Large suites run in processes of their own, so that a crash or a hang in machine code names its seed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(script: str, first: int, count: int, *, limit: float = 1200.0) -> None:
    """Seeds ``first`` to ``first + count`` of a script of this folder, which prints "agrees" after each."""
    command = [sys.executable, str(Path(__file__).with_name(script)), str(first), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    assert done.returncode == 0, f"process ended with {done.returncode}\n{done.stdout[-200:]}\n{done.stderr[-2000:]}"
    assert done.stdout.count("agrees") == count
