"""All samples, and how a program answers one call.

An answer is {"status", "output", "errors"}, and the changed files of a call that edits, under their names.
"""
import os
import subprocess

from command_samples import COMMANDS
from language_samples import LANGUAGE
from name_samples import NAMES
from service_samples import SERVICES

SAMPLES = LANGUAGE | NAMES | COMMANDS | SERVICES


def _write(directory, files):
    for entry in os.scandir(directory):
        if entry.name not in files:
            os.unlink(entry.path)
    for name, content in files.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o755)


def _text(data, directory):
    return data.decode("utf-8", "surrogateescape").replace(str(directory), "DIR")


def answer(sample, arguments, directory, program, environment):
    """What the program says to one call; `directory` is for the sample's files."""
    before = {name: content.replace(b"DIR", str(directory).encode()) for name, content in sample.files.items()}
    _write(directory, before)
    arguments = [argument.replace("DIR", str(directory)) for argument in arguments]
    result = subprocess.run(["postconf", "-c", str(directory), *arguments], executable=program, capture_output=True,
                            env={"PATH": "/usr/bin:/bin", "LANG": "C", **environment}, timeout=60, check=False)
    said = {"status": result.returncode, "output": _text(result.stdout, directory), "errors": _text(result.stderr, directory)}
    for name in ("main.cf", "master.cf"):
        after = (directory / name).read_bytes() if (directory / name).exists() else None
        if after != before.get(name):
            said[name] = _text(after or b"", directory)
    return said
