"""Figures as they come in, and the table at the end: medians, ratios, processor time, each goal with its verdict."""
import collections
import dataclasses
import json
import os
import statistics
from collections.abc import Callable

from measure.contestants import DISK, NO_STORAGE, POSTFIX, POSTHASTE


@dataclasses.dataclass(frozen=True)
class Goal:
    """What Posthaste's figure of a row is to be. `met` gets {label: median} and is asked only if `needs` are there."""
    text: str
    needs: tuple
    met: Callable[[dict], bool]

    def verdict(self, medians):
        if not all(label in medians for label in (POSTHASTE, *self.needs)):
            return ""
        return "met" if self.met(medians) else "missed"


def at_least(factor, label):
    return Goal(f"≥ {factor:g} × {label}", (label,), lambda medians: medians[POSTHASTE] >= factor * medians[label])


def at_most(bound):
    return Goal(f"≤ {bound:g}", (), lambda medians: medians[POSTHASTE] <= bound)


def below(bound):
    return Goal(f"< {bound:g}", (), lambda medians: medians[POSTHASTE] < bound)


def not_above(label):
    return Goal(f"≤ {label}'s", (label,), lambda medians: medians[POSTHASTE] <= medians[label])


def either(first, second):
    return Goal(f"{first.text} or {second.text}", (*first.needs, *second.needs),
                lambda medians: first.met(medians) or second.met(medians))


LOOKUPS = [*(f"{type_}, 1,000,000 keys" for type_ in ("hash", "btree", "lmdb", "cdb", "texthash")),
           "cidr, 10,000 networks", "pcre, 1,000 patterns", "regexp, 1,000 patterns"]

GOALS = {
    "accept, 20 sessions, Debian's generator": at_least(0.75, NO_STORAGE),
    "accept, 100 sessions, Debian's generator": at_least(0.75, NO_STORAGE),
    "accept, 20 sessions, new connections": at_least(6, POSTFIX),
    "accept, 100 sessions, new connections": at_least(6, POSTFIX),
    "relay to a sink, 20 sessions": at_least(10, POSTFIX),
    "relay to a sink, 20 sessions, 1 MiB": either(at_least(5, POSTFIX), at_least(0.7, DISK)),
    "latency, delivered: median": not_above(POSTFIX),
    "latency, delivered: 95th percentile": not_above(POSTFIX),
    "10,000 idle plain clients: memory of one": at_most(20),
    "100,000 deferred, mailq, warm": at_most(1),
    "1,000,000 deferred, start: ready (220)": at_most(1),
    "1,000,000 deferred, start: new mail delivered": at_most(1),
    "1,000,000 deferred, start: all scheduled": at_most(60),
    "1,000,000 deferred, qmgr peak RSS MB": below(400),
} | {f"lookup, {what}": at_least(1, POSTFIX) for what in LOOKUPS}


def digits(value):
    """A figure as it is read: no more digits than tell something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Results:
    """Rows in the order in which they were first noted."""

    # The yardstick is the disk where it was measured, because that is what bounds large messages.
    HEAD = ["", "unit", "no storage / dd", "Postfix", "Posthaste", "× Postfix", "× yardstick", "cpu us: Postfix",
            "Posthaste", "goal", ""]

    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs        # labels: those of a comparison with itself differ
        self.values = {}                             # name: {label: [figures]}
        self.units = {}
        self.processor_time = collections.defaultdict(dict)      # name: {label: [microseconds a message]}

    def note(self, name, unit, label, value, microseconds=None):
        self.units[name] = unit
        self.values.setdefault(name, {}).setdefault(label, []).append(value)
        cpu = ""
        if microseconds is not None:                 # of a message, of a lookup
            self.processor_time[name].setdefault(label, []).append(microseconds)
            cpu = f", {digits(microseconds)} us cpu each"
        print(f"  {name}, {label}: {digits(value)} {unit}{cpu}", flush=True)

    def medians(self, name):
        return {label: statistics.median(figures) for label, figures in self.values[name].items()}

    def row(self, name):
        medians = self.medians(name)
        yardstick = medians.get(DISK, medians.get(NO_STORAGE))
        ours, theirs = medians.get(self.ours), medians.get(self.theirs)
        ratio = lambda base: f"{ours / base:.2f}" if ours is not None and base else ""  # noqa: E731
        figure = lambda value: "" if value is None else digits(value)  # noqa: E731
        cpu = {label: statistics.median(values) for label, values in self.processor_time[name].items()}
        goal = GOALS.get(name) if self.ours == POSTHASTE else None
        yardsticks = [digits(medians[label]) for label in (NO_STORAGE, DISK) if label in medians]
        return [name, self.units[name], " / ".join(yardsticks), figure(theirs), figure(ours), ratio(theirs),
                ratio(yardstick), figure(cpu.get(self.theirs)), figure(cpu.get(self.ours)), goal.text if goal else "",
                goal.verdict(medians) if goal else ""]

    def rows(self):
        return [self.row(name) for name in self.values]

    def table(self):
        rows = [self.HEAD, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.HEAD))]
        left = {0, 1, 9, 10}                        # text; the others are figures
        lines = ["  ".join(cell.ljust(width) if column in left else cell.rjust(width)
                           for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
        return "\n".join(lines)

    def markdown(self, wanted=lambda name: True):
        """The rows that are wanted, as a table for a page."""
        lines = ["| | unit | no storage / dd | Postfix | Posthaste | × Postfix | × yardstick | cpu us | goal |",
                 "|---|---|---|---|---|---|---|---|---|"]
        for name in filter(wanted, self.values):
            *figures, their_time, our_time, goal, verdict = self.row(name)
            time = " / ".join(filter(None, (their_time, our_time)))
            lines.append(f"| {' | '.join(figures)} | {time} | {': '.join(filter(None, (goal, verdict)))} |")
        return "\n".join(lines) + "\n"

    def write(self, directory, facts):
        everything = facts | {"load average": os.getloadavg(), "units": self.units, "values": self.values,
                              "microseconds": self.processor_time}
        (directory / "result.json").write_text(json.dumps(everything, indent=1) + "\n")
        (directory / "result.md").write_text(self.markdown())
