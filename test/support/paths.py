"""Where things are: the checkout, the build under test, the unpacked Debian programs."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("POSTHASTE_BUILD", ROOT / "build" / "asan")).resolve()
YARDSTICK = ROOT / "build" / "yardstick"
YARDSTICK_ROOT = YARDSTICK / "root"


def tool(name):
    """The path of a program of build/yardstick/bin: smtp-source, smtp-sink, nsd, mail."""
    path = YARDSTICK / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run tools/yardstick")
    return str(path)
