"""An exhaustive model of the queue: every order of steps of a writer, the queue manager and two agents, with kills and
power cuts between any two of them.

One segment with room for two messages, which is claimed, retired and claimed again; message 0 may be delivered, put off
into a file of its own, or fail and be reported; message 1 is there to share batch, segment and marks with it and to take
its place, and is delivered, marked and buried in one step. A page of the disk is its value as processes see
it and all values that it could have after a power cut; a cut chooses one for each page by itself, which is what
test/crash/replay.py does to sectors. Steps have the names of doc/queue-states.md.

What must hold in every state:
  kept       whoever was told 250 has the message found by the next start, or delivered, or reported
  right      an agent hands over what the queue manager asked it to, never what took its place
  once       nothing is delivered again, unless somebody died between the delivery and its mark (or its mark's sync)
"""
import dataclasses

import explorer
from explorer import Broken, put

HEADER, FRAME, RECIPIENT, MESSAGE, NAME, BODY, FILE_MARK = 0, 1, 3, 5, 7, 8, 9     # pages; FRAME..MESSAGE have two each
SEGMENT_PAGES, FILE_PAGES = range(0, 7), range(7, 10)
FREE, IN_USE = "free", "in use"
NO_AGENT = None
LAST_CLAIM = 2      # the generation of the last Free segment that is claimed: two uses are enough to be recycled under

# Deliberate mistakes, each of which the model must find.
MISTAKES = ("acknowledge-before-sync", "acknowledge-by-the-sync-in-front", "published-over-what-is-not-answered",
            "moved-before-file-is-synced", "scheduled-before-moved-is-synced",
            "marks-not-cleared", "generation-repeats", "generation-not-checked", "locks-ignored-by-a-new-qmgr",
            "bury-before-report", "read-beyond-the-published-end", "believes-what-is-not-synced",
            "files-before-the-journal", "freed-under-a-lock")
# Those that need a kill and then a power cut: not found with one crash a history.
NEED_TWO = ("believes-what-is-not-synced", "files-before-the-journal", "freed-under-a-lock")
ARROWS = {"marks-cleared", "claimed", "claim-synced", "sealed", "batch-written", "batch-committed", "acknowledged",
          "read", "settled", "asked", "opened", "refused", "handed-over", "delivered", "bounced", "reason-synced",
          "reported", "answered", "deferred", "survivor-created", "survivor-completed", "survivor-synced", "moved",
          "moved-synced", "retried", "put-off", "file-delivered", "file-bounced", "file-buried", "void-removed",
          "marks-synced", "active-synced", "freed", "free-synced", "kill-writer", "kill-qmgr", "kill-agent", "cut"}


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple = ((("free", 0), ()),) + ((None, ()),) * 2 + (("todo", ()),) * 2 + (("live", ()),) * 2 + \
        (("none", ()), ("none", ()), ("todo", ()))
    writer: str = "idle"                # idle cleared claimed owning
    flights: tuple = ()                 # batches under way: (messages, the slot behind them, written synced acknowledged)
    next_slot: int = 0
    published: tuple = (0, 0)           # generation, frames
    client: tuple = ("new", "new")      # new sent acknowledged broken
    # What the queue manager knows of each message: unknown active asked done failed put-off created completed synced
    # marked deferred file-active file-asked file-done file-failed reported gone
    known: tuple = ("unknown", "unknown")
    read: tuple = (False, False)        # slots of this generation that were read
    retiring: str = "no"                # no marks-synced freed
    agents: tuple = (NO_AGENT, NO_AGENT)    # (message, place, stage); place: (generation, slot) or "file"
    delivered: tuple = (0, 0)
    reason: bool = False
    reported: bool = False
    settled: tuple = (False, False)     # durably marked as delivered: must not be delivered again
    excused: tuple = (0, 0)             # how often each may be delivered again
    crashes: int = 2

    def now(self, page):
        return self.pages[page][0]

    def writes(self, *changes):
        """The pages after these writes, none of them durable yet."""
        pages = list(self.pages)
        for page, value in changes:
            current, others = pages[page]
            if current != value:
                pages[page] = (value, tuple(sorted((set(others) | {current}) - {value}, key=str)))
        return tuple(pages)

    def synced(self, pages, which):
        return tuple((value, ()) if number in which else (value, others)
                     for number, (value, others) in enumerate(pages))

    def certain(self, page, value):
        return self.pages[page] == (value, ())


def change(state, **fields):
    state = dataclasses.replace(state, **fields)
    settled = tuple(
        state.settled[m] or bool(state.delivered[m]) and
        (any(state.certain(RECIPIENT + slot, "done") and state.now(FRAME + slot) == (state.now(HEADER)[1], m)
             for slot in (0, 1)) or (m == 0 and state.certain(FILE_MARK, "done") and state.certain(BODY, "complete")))
        for m in (0, 1))
    if settled != state.settled:
        state = dataclasses.replace(state, settled=settled)
    if not state.crashes:       # what is durable does not matter any more
        state = dataclasses.replace(state, pages=tuple((value, ()) for value, _ in state.pages))
    return state


def slot_of(state, message):
    """The slot in which a frame of the present generation holds this message, or None."""
    kind, generation = state.now(HEADER)
    return next((slot for slot in (0, 1) if kind == IN_USE and state.now(FRAME + slot) == (generation, message)), None)


def is_owed(state, message):
    """Whether a start would find work for this message."""
    slot = slot_of(state, message)
    in_journal = slot is not None and state.now(MESSAGE + slot) == "live" and state.now(RECIPIENT + slot) != "done"
    return in_journal or (message == 0 and has_file(state))


def has_file(state):
    return state.now(NAME) != "none" and state.now(BODY) == "complete"


def is_busy(state, message):
    return any(agent and agent[0] == message and agent[2] != "asked" for agent in state.agents)


class Model(explorer.Model):
    state = State

    def check(self, state):
        for message in (0, 1):
            if state.client[message] == "acknowledged" and not state.delivered[message] and \
                    not (message == 0 and state.reported) and not is_owed(state, message):
                raise Broken(f"kept: message {message} was acknowledged and is lost")

    def steps(self, state):
        """Yields (arrow, next state)."""
        yield from self.writer(state)
        yield from self.reading(state)
        yield from self.scheduling(state)
        yield from self.moving(state)
        yield from self.upkeep(state)
        for number in (0, 1):
            if state.agents[number]:
                yield from self.agent(state, number)
        if state.crashes:
            yield from self.crashing(state)

    # --- smtpd

    def writer(self, state):
        kind, generation = state.now(HEADER)
        if state.writer == "idle" and kind == FREE and state.retiring == "no" and "new" in state.client and \
                generation <= LAST_CLAIM:
            cleared = () if self.mistake == "marks-not-cleared" else \
                ((RECIPIENT, "todo"), (RECIPIENT + 1, "todo"), (MESSAGE, "live"), (MESSAGE + 1, "live"))
            yield "marks-cleared", change(state, writer="cleared", pages=state.writes(*cleared))
        elif state.writer == "cleared":
            new = generation + (self.mistake != "generation-repeats")
            yield "claimed", change(state, writer="claimed", pages=state.writes((HEADER, (IN_USE, new))))
        elif state.writer == "claimed":
            yield "claim-synced", change(state, writer="owning", next_slot=0, published=(generation, 0),
                                         read=(False, False), pages=state.synced(state.pages, SEGMENT_PAGES))
        elif state.writer == "owning":
            yield from self.batches(state, generation)
            if not state.flights:
                yield "sealed", change(state, writer="idle")

    def batches(self, state, generation):
        new = [message for message in (0, 1) if state.client[message] == "new"]
        for batch in ([(m,) for m in new] + [tuple(new)] * (len(new) == 2)):
            end = state.next_slot + len(batch)
            if end <= 2:
                frames = [(FRAME + state.next_slot + i, (generation, m)) for i, m in enumerate(batch)]
                client = tuple("sent" if m in batch else state.client[m] for m in (0, 1))
                yield "batch-written", change(state, client=client, next_slot=end, pages=state.writes(*frames),
                                              flights=(*state.flights, (batch, end, "written")))
        for number, (_, end, stage) in enumerate(state.flights):
            before = state.flights[number - 1][2] if number else ""
            if stage == "written":      # its sync covers what was written before it began: all in front, nothing behind
                covered = [page for page in SEGMENT_PAGES if not FRAME + end <= page < FRAME + 2]
                yield "batch-committed", self.flight(state, number, "synced", pages=state.synced(state.pages, covered))
            if stage == "synced" or (stage == "written" and (
                    self.mistake == "acknowledge-before-sync" or
                    (self.mistake == "acknowledge-by-the-sync-in-front" and before == "synced"))):
                yield "acknowledged", self.acknowledge(state, number)

    @staticmethod
    def flight(state, number, stage, **fields):
        batch, end, _ = state.flights[number]
        return change(state, flights=put(state.flights, number, (batch, end, stage)), **fields)

    def acknowledge(self, state, number):
        """250, and published as far as nothing in front is without an answer."""
        client = tuple("acknowledged" if m in state.flights[number][0] else state.client[m] for m in (0, 1))
        flights, published = self.flight(state, number, "acknowledged").flights, state.published
        if self.mistake == "published-over-what-is-not-answered":
            published = (published[0], max(published[1], flights[number][1]))
        while flights and flights[0][2] == "acknowledged":
            published, flights = (published[0], max(published[1], flights[0][1])), flights[1:]
        return change(state, client=client, flights=flights, published=published)

    # --- qmgr

    def reading(self, state):
        kind, generation = state.now(HEADER)
        owned = state.writer not in ("idle", "cleared")
        for slot in (0, 1):
            frame = state.now(FRAME + slot)
            if kind != IN_USE or state.read[slot] or not frame or frame[0] != generation:
                continue
            beyond = owned and (state.published[0] != generation or slot >= state.published[1])
            if beyond and self.mistake != "read-beyond-the-published-end":
                continue
            message, read = frame[1], put(state.read, slot, True)
            if state.now(MESSAGE + slot) != "live" or state.known[message] == "gone":
                yield "read", change(state, read=read)
            elif message == 0 and state.now(NAME) != "none" and state.now(BODY) != "complete":
                yield "void-removed", change(state, pages=state.writes((NAME, "none")))
            elif message == 0 and has_file(state):
                yield "moved", change(state, read=read, pages=state.writes((MESSAGE + slot, "moved")))
            elif state.now(RECIPIENT + slot) == "done":
                yield "settled", change(state, read=read, pages=state.writes((MESSAGE + slot, "dead")))
            else:
                found = "failed" if state.now(RECIPIENT + slot) == "bounced" else "active"
                yield "read", change(state, read=read, known=put(state.known, message, found))
        unread = kind == IN_USE and any(not state.read[slot] and (state.now(FRAME + slot) or (None,))[0] == generation
                                        for slot in (0, 1))
        unsynced = any(state.pages[MESSAGE + slot][1] for slot in (0, 1))
        if (unread or unsynced) and self.mistake != "files-before-the-journal":
            return      # until then a file may be a copy of what a cut brings back in its frame
        if state.known[0] == "unknown" and state.now(NAME) != "none":
            if state.now(NAME) == "deferred":
                yield "read", change(state, known=put(state.known, 0, "deferred"))
            else:
                mark = state.now(FILE_MARK)
                found = {"done": "file-done", "bounced": "file-failed"}.get(mark, "file-active")
                yield "read", change(state, known=put(state.known, 0, found))

    def scheduling(self, state):
        for message in (0, 1):
            known = state.known[message]
            if message == 1:
                if known == "active":
                    yield "handed-over", self.deliver_at_once(state)
                continue
            busy = is_busy(state, message) and self.mistake != "locks-ignored-by-a-new-qmgr"
            slot = slot_of(state, message)
            if known in ("active", "file-active") and not busy:
                in_file = known == "file-active"
                if self.mark_of(state, message, in_file) == "done":      # read again when nobody had the lock any more
                    yield "read", change(state, known=put(state.known, message, "file-done" if in_file else "done"))
                    continue
                if self.mark_of(state, message, in_file) == "bounced":
                    yield "read", change(state, known=put(state.known, message, "file-failed" if in_file else "failed"))
                    continue
                place = "file" if in_file else (state.now(HEADER)[1], slot)
                for number in (0, 1):
                    if state.agents[number] is NO_AGENT:
                        yield "asked", change(state, agents=put(state.agents, number, (message, place, "asked")),
                                              known=put(state.known, message, "file-asked" if in_file else "asked"))
                        break
            elif known in ("failed", "file-failed") and self.mistake != "bury-before-report" and not state.reported:
                yield "reported", change(state, reported=True)
            elif known in ("done", "failed"):
                yield "settled", change(state, known=put(state.known, message, "gone"),
                                        pages=state.writes((MESSAGE + slot, "dead")))
            elif known in ("file-done", "file-failed"):
                yield "file-buried", change(state, known=put(state.known, message, "gone"),
                                            pages=state.writes((NAME, "none")))
            elif known == "file-put-off":
                yield "put-off", change(state, known=put(state.known, message, "deferred"),
                                        pages=state.writes((NAME, "deferred")))
            elif known == "deferred":
                yield "retried", change(state, known=put(state.known, message, "file-active"),
                                        pages=state.writes((NAME, "active")))

    @staticmethod
    def deliver_at_once(state):
        slot = slot_of(state, 1)
        if state.delivered[1] and not state.excused[1]:
            raise Broken("once: message 1 is delivered again")
        return change(state, known=put(state.known, 1, "gone"), delivered=(state.delivered[0], 1),
                      excused=(state.excused[0], state.excused[1] - state.delivered[1]),
                      pages=state.writes((RECIPIENT + slot, "done"), (MESSAGE + slot, "dead")))

    @staticmethod
    def mark_of(state, message, in_file):
        return state.now(FILE_MARK) if in_file else state.now(RECIPIENT + slot_of(state, message))

    def moving(self, state):
        known, slot = state.known[0], slot_of(state, 0)
        early = self.mistake == "moved-before-file-is-synced"
        if known == "put-off" and not is_busy(state, 0):
            yield "survivor-created", change(state, known=put(state.known, 0, "created"), pages=state.writes(
                (NAME, "deferred"), (BODY, "partial"), (FILE_MARK, state.now(RECIPIENT + slot))))
        elif known == "created":
            yield "survivor-completed", change(state, known=put(state.known, 0, "synced" if early else "completed"),
                                               pages=state.writes((BODY, "complete")))
        elif known == "completed":
            yield "survivor-synced", change(state, known=put(state.known, 0, "synced"),
                                            pages=state.synced(state.pages, FILE_PAGES))
        elif known == "synced":
            skip = self.mistake == "scheduled-before-moved-is-synced"
            yield "moved", change(state, known=put(state.known, 0, "deferred" if skip else "marked"),
                                  pages=state.writes((MESSAGE + slot, "moved")))
        elif known == "marked":
            yield "moved-synced", change(state, known=put(state.known, 0, "deferred"),
                                         pages=state.synced(state.pages, SEGMENT_PAGES))

    def upkeep(self, state):
        kind, generation = state.now(HEADER)
        if any(state.pages[page][1] for page in SEGMENT_PAGES) and state.writer in ("idle", "owning") and not state.flights \
                and state.retiring == "no":
            yield "marks-synced", change(state, pages=state.synced(state.pages, SEGMENT_PAGES))
        if any(state.pages[page][1] for page in FILE_PAGES) and state.known[0] not in ("created", "completed"):
            yield "active-synced", change(state, pages=state.synced(state.pages, FILE_PAGES))
        valid = [slot for slot in (0, 1) if (state.now(FRAME + slot) or (None,))[0] == generation]
        dead = all(state.read[slot] and state.now(MESSAGE + slot) != "live" for slot in valid)
        if kind == IN_USE and state.writer == "idle" and dead and state.retiring == "no" and \
                state.known[0] not in ("marked",):
            yield "marks-synced", change(state, retiring="marks-synced",
                                         pages=state.synced(state.pages, SEGMENT_PAGES))
        elif state.retiring == "marks-synced" and (self.mistake == "freed-under-a-lock" or not any(
                agent and agent[1] != "file" and agent[2] != "asked" for agent in state.agents)):
            new = generation + (self.mistake != "generation-repeats")
            yield "freed", change(state, retiring="freed", read=(False, False),
                                  pages=state.writes((HEADER, (FREE, new))))
        elif state.retiring == "freed":
            yield "free-synced", change(state, retiring="no", pages=state.synced(state.pages, SEGMENT_PAGES))

    # --- agents

    def agent(self, state, number):
        message, place, stage = state.agents[number]
        known = state.known[message]
        in_file = place == "file"

        def become(arrow, stage, **fields):
            agent = (message, place, stage) if stage else NO_AGENT
            return arrow, change(state, agents=put(state.agents, number, agent), **fields)

        def answered(arrow, knows):
            waits = known == ("file-asked" if in_file else "asked")
            return become(arrow, None, known=put(state.known, message, knows) if waits else state.known)

        if stage == "asked":
            if self.can_open(state, message, place):
                yield become("opened", "open")
            else:
                yield answered("refused", "file-active" if in_file else "active" if slot_of(state, message) is not None
                               else "gone")
        elif stage == "open":
            if not in_file and state.now(HEADER) != (IN_USE, place[0]) and self.mistake != "generation-not-checked":
                yield answered("refused", "gone")       # looked at again before the final dot
                return
            yield self.hand_over(state, number)
            if message == 0:
                yield answered("deferred", "file-put-off" if in_file else "put-off")
                yield become("reason-synced", "reasoned", reason=True)
        elif stage == "reasoned":
            page = FILE_MARK if in_file else RECIPIENT + place[1]
            yield become("file-bounced" if in_file else "bounced", "failed", pages=state.writes((page, "bounced")))
        elif stage == "failed":
            yield answered("answered", "file-failed" if in_file else "failed")
        elif stage == "sent":
            page = FILE_MARK if in_file else RECIPIENT + place[1]
            yield become("file-delivered" if in_file else "delivered", "marked", pages=state.writes((page, "done")))
        elif stage == "marked":
            yield answered("answered", "file-done" if in_file else "done")

    def can_open(self, state, message, place):
        if place == "file":
            return state.now(NAME) == "active" and state.now(BODY) == "complete" and state.now(FILE_MARK) == "todo"
        if state.known[message] in ("created", "completed", "synced", "marked"):
            return False        # the queue manager holds the message's lock while it moves it
        if self.mistake == "generation-not-checked":
            return state.now(FRAME + place[1]) is not None and state.now(MESSAGE + place[1]) == "live" and \
                state.now(RECIPIENT + place[1]) == "todo"
        return state.now(HEADER) == (IN_USE, place[0]) and state.now(FRAME + place[1]) is not None and \
            state.now(FRAME + place[1])[0] == place[0] and state.now(MESSAGE + place[1]) == "live" and \
            state.now(RECIPIENT + place[1]) == "todo"

    @staticmethod
    def hand_over(state, number):
        message, place, _ = state.agents[number]
        if place != "file":
            frame = state.now(FRAME + place[1])
            if frame is None or frame[1] != message:
                raise Broken(f"right: message {message} was asked for, frame {frame} was delivered")
        if state.client[message] == "sent" and any(message in flight[0] for flight in state.flights):
            raise Broken(f"right: message {message} is delivered and may still be refused")
        if state.delivered[message] and not state.excused[message]:
            raise Broken(f"once: message {message} is delivered again")
        return "handed-over", change(state, agents=put(state.agents, number, (message, place, "sent")),
                                     delivered=put(state.delivered, message, 1),
                                     excused=put(state.excused, message,
                                                 state.excused[message] - state.delivered[message]))

    # --- kills and cuts

    def crashing(self, state):
        left = state.crashes - 1
        broken = tuple("broken" if client == "sent" else client for client in state.client)
        if state.writer != "idle":
            yield "kill-writer", change(state, writer="idle", flights=(), client=broken, crashes=left)
        excused = list(state.excused)
        for agent in state.agents:
            if agent and agent[2] == "asked":       # a request that nobody has read yet is delivered beside a new one
                excused[agent[0]] += 1
        # The next one begins by making durable what this one wrote.
        kept = () if self.mistake == "believes-what-is-not-synced" else range(len(state.pages))
        yield "kill-qmgr", change(state, known=("unknown",) * 2, read=(False,) * 2, retiring="no", crashes=left,
                                  excused=tuple(excused), pages=state.synced(state.pages, kept))
        for number in (0, 1):
            if agent := state.agents[number]:
                known = state.known[agent[0]]
                again = {"asked": "active", "file-asked": "file-active"}.get(known, known)
                excused = put(state.excused, agent[0], state.excused[agent[0]] + (agent[2] == "sent"))
                yield "kill-agent", change(state, agents=put(state.agents, number, NO_AGENT), excused=excused,
                                           known=put(state.known, agent[0], again), crashes=left)
        yield from self.cuts(state, broken, left)

    @staticmethod
    def cuts(state, broken, left):
        excused = tuple(state.excused[m] + (bool(state.delivered[m]) and not state.settled[m]) for m in (0, 1))
        disks = [()]
        for value, others in state.pages:
            disks = [disk + ((choice, ()),) for disk in disks for choice in (value, *others)]
        for disk in disks:
            # A file whose name was lost is lost; a name that was lost together with the rename is where it was.
            yield "cut", State(pages=disk, client=broken, delivered=state.delivered, reason=state.reason,
                               reported=state.reported, settled=state.settled, excused=excused, crashes=left)
