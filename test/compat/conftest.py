"""Fixtures of the comparison with recorded answers: those of the system tests."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support.fixtures import dns_server, make_instance, make_shared_instance  # noqa: E402,F401  (pytest finds fixtures by name)
