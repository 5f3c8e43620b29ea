"""How many messages a measurement sends: as many as fill the time that it is to take, whoever is measured.

Postfix and a sink that stores nothing differ by a factor of thirty, and machines differ, too. So a short trial, whose
figure does not count unless it was long enough, tells the rate, and each measurement corrects it.
"""
from measure.cases import LARGE

TRIAL = 200                      # messages
MOST = 500_000


class Pace:
    def __init__(self, seconds, results):
        self.seconds, self.results = seconds, results
        self.rates = {}          # (row, contestant): messages a second

    def measure(self, case, contestant):
        """One measurement of this contestant; notes its figure."""
        key = (case.name, contestant.label)
        if key not in self.rates:
            messages = case.fewest if case.load.length >= LARGE else max(case.fewest, TRIAL)
            if self._once(case, contestant, messages, least=self.seconds / 2):
                return
        self._once(case, contestant, min(max(int(self.rates[key] * self.seconds), case.fewest), MOST))

    def _once(self, case, contestant, messages, least=0.0):
        """Whether it counted: a measurement shorter than `least` only tells the rate."""
        contestant.settle()
        before = contestant.processor_seconds()
        seconds = contestant.run(case, messages)
        contestant.drain()
        after = contestant.processor_seconds()
        self.rates[case.name, contestant.label] = messages / seconds
        if seconds < least:
            return False
        self.results.note(case.name, case.unit, contestant.label, case.figure(messages, seconds),
                          None if before is None else (after - before) / messages * 1e6)
        return True
