"""What bench/run and bench/instructions consist of. Everything here works on build/release, unless POSTHASTE_BUILD
names another build, and uses the private instances of the system tests (test/support)."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "build" / "bench"                 # instances and results

os.environ.setdefault("POSTHASTE_BUILD", str(ROOT / "build" / "release"))
sys.path.insert(0, str(ROOT / "test"))
