"""How segments come and go: a writer makes one or claims a Free one, fills it with one message, and leaves; the queue
manager delivers, retires, removes, and puts aside what was never finished. journal.py has what happens inside of one.

There is one name, and two files that may have it one after the other, each with room for one frame. An agent may be
late: it opens what it was asked for by name and generation when it gets to it, also for a queue manager that is dead.

What must hold:
  kept       whoever was told 250 has the message found by the next start, or delivered
  right      an agent hands over what it was asked for, never what took its place
  once       nothing is delivered again, unless a power cut took the mark
"""
import dataclasses

import explorer
from explorer import Broken, certain, disks, fresh, now, put, synced, written

MISTAKES = ("acknowledged-before-the-name-is-synced", "claimed-before-the-name-is-synced", "used-before-it-is-claimed",
            "made-without-looking-again", "claimed-without-looking-again", "removed-under-a-writer",
            "generations-begin-anew")
# Its maker is killed, and then the power goes: not found with one crash a history.
NEED_TWO = ("claimed-before-the-name-is-synced",)
ARROWS = {"segment-created", "locked", "segment-filled", "claimed", "claim-synced", "segment-named", "put-aside", "opened",
          "marks-cleared", "batch-written", "batch-committed", "acknowledged", "sealed", "abandoned", "read", "asked",
          "handed-over", "refused", "marks-synced", "freed", "free-synced", "segment-removed", "kill-writer",
          "kill-qmgr", "cut"}
NAME = 0                                    # page: None, or the file that has the name
HEADER, FRAME, MARK = (1, 4), (2, 5), (3, 6)      # pages of each file
FILES = (range(1, 4), range(4, 7))
MESSAGES = 3


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple = fresh(None, *(None, None, "live") * 2)
    made: int = 0               # files so far
    highest: int = 0            # generation so far: a new file begins above it, as the clock does
    writer: tuple = ("idle", None)      # stage, file
    sent: int = 0               # messages that were begun
    client: tuple = ("new",) * MESSAGES         # new sent acknowledged broken
    read: tuple = (False, False)        # of each file, by the queue manager
    active: tuple = None                # message, file, generation: asked for or to be asked for
    requests: tuple = ()                # message, generation, of whom: on their way to an agent
    retiring: tuple = None              # stage, file
    delivered: tuple = (0,) * MESSAGES
    excused: tuple = (0,) * MESSAGES
    crashes: int = 2


def change(state, **fields):
    return dataclasses.replace(state, **fields)


def frame_of(state, file):
    """The message of the present generation in a file that is in use, or None."""
    kind, generation = now(state.pages, HEADER[file]) or (None, None)
    frame = now(state.pages, FRAME[file])
    return frame[1] if kind == "in use" and frame and frame[0] == generation else None


class Model(explorer.Model):
    state = State

    @staticmethod
    def check(state):
        file = now(state.pages, NAME)
        there = None if file is None or now(state.pages, MARK[file]) == "dead" else frame_of(state, file)
        for message in range(MESSAGES):
            if state.client[message] == "acknowledged" and not state.delivered[message] and there != message:
                raise Broken(f"kept: message {message} was acknowledged and is lost")
            if state.delivered[message] > 1 + state.excused[message]:
                raise Broken(f"once: message {message} was delivered again")

    def steps(self, state):
        yield from self.write(state)
        yield from self.deliver(state)
        yield from self.retire(state)
        if state.crashes:
            yield from self.crash(state)

    # --- the writer

    def write(self, state):
        stage, file = state.writer
        pages = state.pages

        def become(stage, **fields):
            return change(state, writer=("idle", None) if stage == "idle" else (stage, file), **fields)

        if stage == "idle":
            yield from self.begin(state)
        elif stage == "created":
            yield "locked", become("locked")
        elif stage == "locked":
            generation = 1 if self.mistake == "generations-begin-anew" else state.highest + 1
            yield "segment-filled", become("filled", highest=max(state.highest, generation), pages=written(
                pages, (HEADER[file], ("in use", generation))))
        elif stage == "filled":
            yield "claim-synced", become("unnamed", pages=synced(pages, FILES[file]))
        elif stage == "unnamed":
            if self.mistake == "acknowledged-before-the-name-is-synced":
                yield "segment-named", become("named")
            else:
                yield "segment-named", become("named", pages=synced(pages, {NAME}))
        elif stage == "named":
            if now(pages, NAME) == file or self.mistake == "made-without-looking-again":
                yield from self.use(state)
            else:
                yield "abandoned", become("idle")
        elif stage == "opened":
            yield from self.claim(state)
        elif stage == "cleared":
            generation = now(pages, HEADER[file])[1] + 1
            after = written(pages, (HEADER[file], ("in use", generation)))
            early = self.mistake == "used-before-it-is-claimed"
            yield "claimed", become("owns" if early else "claimed", highest=max(state.highest, generation), pages=after)
        elif stage == "claimed":
            # Who made it may have died before its name was durable.
            early = self.mistake == "claimed-before-the-name-is-synced"
            yield "claim-synced", become("owns" if early else "nameless", pages=synced(pages, FILES[file]))
        elif stage == "nameless":
            yield "segment-named", become("owns", pages=synced(pages, {NAME}))
        elif stage == "owns":
            yield from self.use(state)
        elif stage == "written":
            # Of this file alone: what is mixed up by a mistake above must not become durable by it.
            which = {FRAME[file]} if self.mistake == "used-before-it-is-claimed" else FILES[file]
            yield "batch-committed", become("committed", pages=synced(pages, which))
        elif stage == "committed":
            yield "acknowledged", become("full", client=put(state.client, state.sent - 1, "acknowledged"))
        elif stage == "full":
            yield "sealed", become("idle")

    def begin(self, state):
        file = now(state.pages, NAME)
        if state.sent == MESSAGES:
            return
        if file is None and state.made < 2:
            yield "segment-created", change(state, writer=("created", state.made), made=state.made + 1,
                                            pages=written(state.pages, (NAME, state.made)))
        elif file is not None and (now(state.pages, HEADER[file]) or (None,))[0] == "free":
            yield "opened", change(state, writer=("opened", file))

    def claim(self, state):
        _, file = state.writer
        if state.retiring and state.retiring[1] == file and state.retiring[0] != "removing":
            return      # the queue manager has the lock
        linked = now(state.pages, NAME) == file or self.mistake == "claimed-without-looking-again"
        if not linked or now(state.pages, HEADER[file])[0] != "free":
            yield "abandoned", change(state, writer=("idle", None))
        else:
            yield "marks-cleared", change(state, writer=("cleared", file), pages=written(
                state.pages, (MARK[file], "live")))

    @staticmethod
    def use(state):
        _, file = state.writer
        generation = now(state.pages, HEADER[file])[1]
        yield "batch-written", change(state, writer=("written", file), sent=state.sent + 1,
                                      client=put(state.client, state.sent, "sent"),
                                      pages=written(state.pages, (FRAME[file], (generation, state.sent))))

    def has_lock(self, state, file):
        return state.writer[1] == file and state.writer[0] not in ("created", "opened")

    # --- the queue manager and its agent

    def deliver(self, state):
        file = now(state.pages, NAME)
        message = None if file is None else frame_of(state, file)
        committed = not self.has_lock(state, file) or state.writer[0] in ("committed", "full") if file is not None else 0
        if message is not None and committed and not state.read[file] and state.active is None:
            alive = now(state.pages, MARK[file]) == "live"
            generation = now(state.pages, HEADER[file])[1]
            yield "read", change(state, read=put(state.read, file, True),
                                 active=(message, file, generation) if alive else None)
        if state.active and all(whose == "a dead one's" for _, _, whose in state.requests) and len(state.requests) < 2:
            request = (state.active[0], state.active[2], "ours")
            yield "asked", change(state, requests=state.requests + (request,))
        for request in state.requests:
            yield from self.hand_over(state, request)

    @staticmethod
    def hand_over(state, request):
        asked, generation, whose = request
        file = now(state.pages, NAME)
        rest = tuple(other for other in state.requests if other != request)
        active = None if whose == "ours" else state.active
        message = None if file is None else frame_of(state, file)
        if message is not None and now(state.pages, HEADER[file])[1] == generation and \
                now(state.pages, MARK[file]) == "live":
            if message != asked:
                raise Broken(f"right: message {asked} was asked for, {message} was delivered")
            yield "handed-over", change(state, requests=rest, active=active,
                                        delivered=put(state.delivered, asked, state.delivered[asked] + 1),
                                        pages=written(state.pages, (MARK[file], "dead")))
        else:
            yield "refused", change(state, requests=rest, active=active)

    def retire(self, state):
        file = now(state.pages, NAME)
        if state.retiring:
            stage, file = state.retiring
            if stage == "synced":
                generation = now(state.pages, HEADER[file])[1] + 1
                yield "freed", change(state, retiring=("freed", file), highest=max(state.highest, generation),
                                      read=put(state.read, file, False),
                                      pages=written(state.pages, (HEADER[file], ("free", generation))))
            elif stage == "freed":
                yield "free-synced", change(state, retiring=None, pages=synced(state.pages, FILES[file]))
            return
        if file is None:
            return
        header = now(state.pages, HEADER[file])
        locked = self.has_lock(state, file)
        if header is None and not locked:
            yield "put-aside", change(state, pages=written(state.pages, (NAME, None)))
        elif header and header[0] == "free" and (not locked or self.mistake == "removed-under-a-writer"):
            yield "segment-removed", change(state, read=put(state.read, file, False),
                                            pages=written(state.pages, (NAME, None)))
        elif header and header[0] == "in use" and not locked and state.active is None and \
                (frame_of(state, file) is None or state.read[file]):
            if frame_of(state, file) is not None and now(state.pages, MARK[file]) == "live":
                return
            yield "marks-synced", change(state, retiring=("synced", file), pages=synced(state.pages, FILES[file]))

    # --- kills and cuts

    def crash(self, state):
        left = state.crashes - 1
        broken = tuple("broken" if client == "sent" else client for client in state.client)
        if state.writer[0] != "idle":
            yield "kill-writer", change(state, writer=("idle", None), client=broken, crashes=left)
        # The next one begins by making durable what this one wrote. Its request may be delivered all the same.
        excused = state.excused
        for message, _, _ in state.requests:
            excused = put(excused, message, excused[message] + 1)
        late = tuple((message, generation, "a dead one's") for message, generation, _ in state.requests)
        yield "kill-qmgr", change(state, read=(False, False), active=None, retiring=None, crashes=left, excused=excused,
                                  requests=late, pages=synced(state.pages, range(len(state.pages))))
        for disk in disks(state.pages):
            again = tuple(count + (state.delivered[message] > 0 and self.may_come_back(state, message))
                          for message, count in enumerate(state.excused))
            yield "cut", change(state, pages=disk, writer=("idle", None), client=broken, read=(False, False), active=None,
                                requests=(), retiring=None, excused=again, crashes=left)

    @staticmethod
    def may_come_back(state, message):
        """Whether a power cut may leave the frame of this message without its mark."""
        for file in (0, 1):
            value, others = state.pages[FRAME[file]]
            if any(frame and frame[1] == message for frame in (value, *others)) and \
                    not certain(state.pages, MARK[file], "dead"):
                return True
        return False
