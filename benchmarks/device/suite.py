"""Part 1: the tests of devices, those that compare a GPU with the CPU among them.

Every test that fails is a row, then the counts. At the limit the tests are interrupted as by
Ctrl-C, so that what was tried until then is reported. Where spaCy is missing, a stand-in cuts
texts; a test of how they are cut fails then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.device.room import ROOT, Room

MARK: Final = "device and not slow"
PARITY: Final = "tests/test_device_parity.py"  # all that smoke runs
TIDY: Final = 15.0  # seconds before the limit at which the tests are interrupted
PROCESSES: Final = 4  # side by side on one GPU


def run(room: Room) -> None:
    """Run the tests and record what they found.

    Raises:
        RuntimeError: there are no tests, or pytest broke off for another reason than the limit.
    """
    report = room.at.work / "suite.xml"
    report.unlink(missing_ok=True)
    flags = ["-m", MARK, "-q", "-W", "default", "-p", "no:cacheprovider", f"--junitxml={report}"]
    if find_spec("xdist") and not room.at.smoke:
        flags += ["-n", str(PROCESSES), "--dist", "loadfile"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *flags, PARITY if room.at.smoke else "tests"],
        cwd=ROOT,
        env=os.environ | {"ZOO_TEST_DEVICE": room.at.device},
        stdout=sys.stderr,
    )
    try:
        code = process.wait(max(room.left - TIDY, 1.0))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait(TIDY)
        room.row("suite", "interrupted after", -room.left + TIDY, "s")
        code = 0
    if code not in (0, 1) or not report.exists():
        raise RuntimeError(f"pytest must have run the tests marked {MARK!r}, got status {code}")
    record(room, report)


def record(room: Room, report: Path) -> None:
    """Rows of a report in JUnit's form."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    seconds = 0.0
    for test in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in test}
        outcome = "failed" if kinds & {"failure", "error"} else "passed"
        outcome = "skipped" if "skipped" in kinds else outcome
        counts[outcome] += 1
        seconds += float(test.get("time", 0))
        if outcome == "failed":
            name = f"{test.get('classname')}::{test.get('name')}"
            message = next((child.get("message", "") for child in test), "")
            room.row(name[:200], "failed", " ".join(message.split())[:300])
    for outcome, n in counts.items():
        room.row("suite", outcome, n, at_most=0 if outcome == "failed" else None)
    room.row("suite", "seconds of tests", seconds, "s")
