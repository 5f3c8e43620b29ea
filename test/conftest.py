"""Lets every test import the package test/support, and leaves out what only root can run."""
import os
import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def pytest_collection_modifyitems(config, items):
    if os.getuid() == 0:
        return
    left_out = [item for item in items if item.get_closest_marker("needs_root")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
