"""Queue ids: two writers lease blocks of numbers from journal/queue-ids, with kills and power cuts.

What must hold:
  single     no number is leased twice: a queue id never repeats
"""
import dataclasses

import explorer
from explorer import Broken, disks, fresh, now, put, synced, written

MISTAKES = ("used-before-the-lease-is-synced", "leased-without-a-lock")
NEED_TWO = ()
ARROWS = {"ids-read", "ids-written", "ids-leased", "kill-writer", "cut"}
NUMBER = 0      # the page: the first block that nobody has leased
MOST = 4        # blocks in one history


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple = fresh(0)
    writers: tuple = (("idle", None), ("idle", None))   # stage, block; idle read written
    leased: tuple = ()
    crashes: int = 2


class Model(explorer.Model):
    state = State

    @staticmethod
    def check(state):
        if len(set(state.leased)) < len(state.leased):
            raise Broken(f"single: blocks {state.leased} were leased")

    def steps(self, state):
        for writer, (stage, block) in enumerate(state.writers):
            yield from self.writer(state, writer, stage, block)
            if state.crashes and stage != "idle":
                yield "kill-writer", dataclasses.replace(state, writers=put(state.writers, writer, ("idle", None)),
                                                         crashes=state.crashes - 1)
        if state.crashes:
            for disk in disks(state.pages):
                yield "cut", State(pages=disk, leased=state.leased, crashes=state.crashes - 1)

    def writer(self, state, writer, stage, block):
        def become(stage, block, **fields):
            return dataclasses.replace(state, writers=put(state.writers, writer, (stage, block)), **fields)

        locked = any(other != "idle" for other, _ in state.writers) and self.mistake != "leased-without-a-lock"
        if stage == "idle" and not locked and len(state.leased) < MOST:
            yield "ids-read", become("read", now(state.pages, NUMBER))
        elif stage == "read":
            pages = written(state.pages, (NUMBER, block + 1))
            if self.mistake == "used-before-the-lease-is-synced":
                yield "ids-written", become("idle", None, pages=pages, leased=state.leased + (block,))
            else:
                yield "ids-written", become("written", block, pages=pages)
        elif stage == "written":
            yield "ids-leased", become("idle", None, pages=synced(state.pages, {NUMBER}), leased=state.leased + (block,))
