#!/usr/bin/python3
"""Records the answers of Debian's Postfix to postmap_cases.py in answers.json.

usage: record.py ROOT      ROOT holds the unpacked packages postfix, postfix-lmdb and postfix-pcre
"""
import json
import pathlib
import sys
import tempfile

from postmap_cases import CASES, run

_HERE = pathlib.Path(__file__).resolve().parent


def main(root):
    libraries = root / "usr/lib/postfix"
    record = {"postfix": "3.7.11 (Debian 12)", "cases": {}}
    with tempfile.TemporaryDirectory() as scratch:
        configuration = pathlib.Path(scratch) / "configuration"
        configuration.mkdir()
        (configuration / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {scratch}\nmeta_directory = {configuration}\n"
            "mail_owner = daemon\nsetgid_group = tty\n")
        (configuration / "dynamicmaps.cf").write_text(
            f"lmdb {libraries}/postfix-lmdb.so dict_lmdb_open mkmap_lmdb_open\n"
            f"pcre {libraries}/postfix-pcre.so dict_pcre_open\n")
        for case in CASES:
            directory = pathlib.Path(scratch) / case
            directory.mkdir()
            record["cases"][case] = run(case, directory, configuration, {"LD_LIBRARY_PATH": str(libraries)},
                                        lambda program: root / "usr/sbin" / program)
    (_HERE / "answers.json").write_text(json.dumps(record, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve())
