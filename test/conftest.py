"""Lets every test import the package test/support, and leaves out what only root can run, or cannot be run in this
container."""
import os
import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def pytest_collection_modifyitems(config, items):
    from support import small_disk      # after the path is set

    if os.getuid() != 0:
        _leave_out(config, items, "needs_root", None)
    if any(item.get_closest_marker("needs_mount") for item in items) and (reason := small_disk.why_not()):
        _leave_out(config, items, "needs_mount", reason)


def _leave_out(config, items, mark, reason):
    left_out = [item for item in items if item.get_closest_marker(mark)]
    if not left_out:
        return
    if reason:
        print(f"{len(left_out)} tests left out: {reason}", file=sys.stderr)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
