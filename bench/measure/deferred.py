"""Large queues, by bench/deferred: a program of its own, because it takes long and fills a queue of its own. Only --full
changes every message of such a queue, too."""
import json
import re
import subprocess
import sys

from measure import PLACE, ROOT
from measure.contestants import POSTFIX, POSTHASTE

# The rows of bench/deferred that the table has, with their units.
ROWS = {"start: ready (220)": "s", "start: new mail delivered": "s", "start: all scheduled": "s",
        "qmgr private MB": "MB", "qmgr peak RSS MB": "MB", "mailq, warm": "s", "postqueue -j": "s",
        "mailq: new mail, at worst": "s", "postsuper -r ALL": "s", "postqueue -f: new mail, at worst": "s",
        "postsuper -d ALL": "s", "postsuper -d ALL: new mail, at worst": "s"}


def rows_of(figures):
    """The best of several turns of the same thing counts: all but the first have warm caches."""
    for name, unit in ROWS.items():
        values = [value for row, value in figures.items() if re.fullmatch(rf"{re.escape(name)}( \d+)?", row)]
        if values:
            yield name, unit, min(values)


def measure(options, results):
    for turn, count in enumerate(options.deferred):
        postfix = options.deferred_postfix if turn == 0 else 0
        subprocess.run([sys.executable, str(ROOT / "bench" / "deferred"), "--messages", str(count), "--postfix",
                        str(postfix), *([] if options.full else ["--short"])], check=True)
        figures = json.loads((PLACE / "deferred.json").read_text())
        for label in (POSTFIX, POSTHASTE):
            for name, unit, value in rows_of(figures.get(label, {})):
                results.note(f"{figures[label]['messages']:,} deferred, {name}", unit, label, value)
