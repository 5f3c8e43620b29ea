#!/usr/bin/python3
"""Records what Debian's postmap answers to table_cases.py in answers.json.

usage: record.py ROOT [BEGINNING...]

ROOT holds the unpacked packages of tools/packages.txt (build/yardstick/root). With beginnings of names only those tables
and commands are asked for anew.
"""
import json
import pathlib
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(_HERE.parents[1]))

from table_cases import TABLES, Runner, commands  # noqa: E402  (after the path is set)


def _merged(old, new, all_names):
    """The new answers, and the old ones of what was not asked for and still exists."""
    return {name: new.get(name, old.get(name)) for name in all_names}


def main(root, beginnings):
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
                ("lmdb", " mkmap_lmdb_open"), ("cdb", " mkmap_cdb_open"), ("pcre", ""), ("sqlite", ""), ("mysql", ""),
                ("pgsql", ""), ("ldap", ""))))
        search = f"{libraries}:{root}/usr/lib/x86_64-linux-gnu"
        runner = Runner(scratch, configuration, {"LD_LIBRARY_PATH": search}, lambda program: root / "usr/sbin" / program)
        wanted = tuple(beginnings) or ("",)
        answers = _HERE / "answers.json"
        old = json.loads(answers.read_text()) if beginnings else {"lookups": {}, "commands": {}}
        try:
            lookups = {table: runner.lookups(table) for table in TABLES if table.startswith(wanted)}
            told = {case: runner.command(case) for case in commands() if case.startswith(wanted)}
        finally:
            runner.close()
        record = {"postfix": "3.7.11 (Debian 12)", "lookups": _merged(old["lookups"], lookups, TABLES),
                  "commands": _merged(old["commands"], told, commands())}
    answers.write_text(json.dumps(record, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:])
