"""The picture of an answer: occupancy of each target by each dose, the spread of the constants as whiskers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from racemate.errors import RacemateError

if TYPE_CHECKING:
    from racemate.claims.answers import Answer

COLOURS = [
    "#0072B2",
    "#56B4E9",
    "#999999",
    "#003F66",
    "#D55E00",
    "#E69F00",
]  # Okabe and Ito, safe for colour-blind readers
MARKERS = ["o", "s", "D", "^", "v", "P"]
FORMATS = (".png", ".svg", ".pdf")


def draw(answer: Answer, path: Path) -> Path:
    """Draw an answer to a file; the format follows the ending."""
    if path.suffix.lower() not in FORMATS:
        raise RacemateError(f"cannot draw to '{path.name}'", fix=f"an ending of {', '.join(FORMATS)}")
    from matplotlib.figure import Figure

    targets = list(dict.fromkeys(r.target for r in answer.rows))
    doses = list(dict.fromkeys(r.dose for r in answer.rows))
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    axes = figure.subplots()
    for i, dose in enumerate(doses):
        shift = (i - (len(doses) - 1) / 2) * 0.12
        for row in (r for r in answer.rows if r.dose == dose):
            x, y = targets.index(row.target) + shift, 100 * row.occupancy.central
            spread = [[y - 100 * row.occupancy.low], [100 * row.occupancy.high - y]]
            spread = [[max(s[0], 0.0)] for s in spread]
            axes.errorbar(x, y, spread, fmt=MARKERS[i], color=COLOURS[i], markersize=7, capsize=3, label=dose)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), loc="lower left", frameon=False, fontsize=9)
    axes.set_yscale("log")
    axes.set_ylim(0.05, 130)
    axes.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.set_xticks(range(len(targets)), [t if "NMDA" in t else f"{t} opioid" for t in targets])
    for edge in range(1, len(targets)):
        axes.axvline(edge - 0.5, color="0.9", linewidth=1, zorder=0)
    axes.set_xlim(-0.5, len(targets) - 0.5)
    axes.set_ylabel("receptors or channels occupied, %")
    axes.set_title("Is ketamine an opioid? What each dose occupies at its peak", loc="left", fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    caption = (
        "Unbound drug in the receptor biophase of a typical 70 kg man, equilibrium. Whiskers: 5-95 % over the "
        "published ranges of the constants,\nwidened where needed to hold the value. "
        "Occupancy is neither activation nor effect. Agonist affinities are those of the high-affinity state."
    )
    figure.text(0.01, -0.01, caption, fontsize=8, color="0.35", va="top")
    try:
        figure.savefig(path, dpi=160, bbox_inches="tight")
    except OSError as error:
        raise RacemateError(f"cannot write {path}: {error.strerror}", where=str(path)) from None
    return path
