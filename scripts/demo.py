"""What ``make demo`` shows: one line of dosing, a first answer, a thousand virtual patients. Pictures go to ./out."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out"
RACEMATE = Path(sys.executable).with_name("racemate")
LINE = "ketamine 0.5 mg/kg iv over 40 min"
STEPS = [
    (
        "One line of dosing becomes concentration, occupancy and effect",
        ["simulate", LINE, "--patient", "female, 35 y, 62 kg, 163 cm", "--until", "4 h", "--plot", "one-line.png"],
    ),
    ("A question, answered with numbers", ["answer", "is ketamine an opioid?", "--plot", "is-ketamine-an-opioid.png"]),
    (
        "The same line for 1 000 adults",
        [
            "simulate",
            LINE,
            "--population",
            "1000",
            "--until",
            "4 h",
            "--output",
            "arterial.ketamine",
            "--output",
            "venous.ketamine",
            "--output",
            "block.nmda",
            "--plot",
            "thousand-adults.png",
        ],
    ),
    (
        "Breathing under fentanyl, and naloxone",
        [
            "simulate",
            "fentanyl 200 ug iv; naloxone 0.4 mg iv at 20 min",
            "--until",
            "2 h",
            "--plot",
            "fentanyl-naloxone.png",
        ],
    ),
]


def main() -> int:
    """Run every step as a user would, and say where the pictures lie."""
    OUT.mkdir(exist_ok=True)
    for title, words in STEPS:
        command = [str(OUT / w) if w.endswith(".png") else w for w in words]
        shown = " ".join(f'"{w}"' if " " in w else w for w in [*words])
        print(f"\n=== {title}\n$ racemate {shown}\n", flush=True)
        began = time.perf_counter()
        done = subprocess.run([str(RACEMATE), *command], check=False)
        if done.returncode:
            print(f"that ended with exit code {done.returncode}", file=sys.stderr)
            return done.returncode
        print(f"\n({time.perf_counter() - began:.1f} s)", flush=True)
    print("\nPictures:")
    for picture in sorted(OUT.glob("*.png")):
        print(f"  {picture.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
