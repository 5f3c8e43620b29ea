#!/usr/bin/python3
"""Records what Debian's postmap answers to table_cases.py in answers.json.

usage: record.py ROOT      ROOT holds the unpacked packages of tools/packages.txt (build/yardstick/root)
"""
import json
import pathlib
import sys
import tempfile

from table_cases import TABLES, Runner, commands

_HERE = pathlib.Path(__file__).resolve().parent


def main(root):
    libraries = root / "usr/lib/postfix"
    with tempfile.TemporaryDirectory(prefix="ph-") as name:
        scratch = pathlib.Path(name)
        configuration = scratch / "configuration"
        configuration.mkdir()
        (configuration / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {scratch}\nmeta_directory = {configuration}\n"
            "mail_owner = daemon\nsetgid_group = tty\n")
        (configuration / "dynamicmaps.cf").write_text("".join(
            f"{type} {libraries}/postfix-{type}.so dict_{type}_open{make}\n" for type, make in (
                ("lmdb", " mkmap_lmdb_open"), ("cdb", " mkmap_cdb_open"), ("pcre", ""), ("sqlite", ""))))
        search = f"{libraries}:{root}/usr/lib/x86_64-linux-gnu"
        runner = Runner(scratch, configuration, {"LD_LIBRARY_PATH": search}, lambda program: root / "usr/sbin" / program)
        record = {"postfix": "3.7.11 (Debian 12)", "lookups": {table: runner.lookups(table) for table in TABLES},
                  "commands": {case: runner.command(case) for case in commands()}}
        runner.close()
    (_HERE / "answers.json").write_text(json.dumps(record, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve())
