"""A message in a file of its own, from its writer (or from a Postfix before us) to its end; with the logs of its failures.

One message with one recipient. It is delivered, put off and tried again, or fails and is reported. A file that Postfix
left is taken over in a step of its own, before it is delivered.

What must hold:
  kept       whoever was told 250 has the whole file found by the next start, or delivered, or reported; for a failure
             that is marked there is a reason
  right      nothing is delivered that may still be refused
  once       it is delivered or reported again only after somebody died before that was written down, or the power went
             before it was synced
"""
import dataclasses

from explorer import Broken, certain, disks, fresh, now, synced, written

MISTAKES = ("accepted-before-the-name-is-synced", "accepted-before-the-file-is-synced", "taken-from-a-living-writer",
            "bounced-before-the-reason-is-synced", "buried-before-the-report", "renamed-before-it-is-synced",
            "reasons-dropped-before-the-report")
NEED_TWO = ()
ARROWS = {"file-created", "file-written", "file-completed", "file-synced", "file-committed", "acknowledged", "removed",
          "file-activated", "conversion-created", "conversion-written", "conversion-completed", "conversion-synced",
          "converted", "asked", "handed-over", "file-delivered", "deferred", "delay-written", "put-off", "retry-time-set",
          "retried", "reason-written", "reason-synced", "file-bounced", "report-committed", "file-settled",
          "reason-dropped", "delay-dropped", "file-buried", "active-synced", "kill-writer", "kill-qmgr", "kill-agent",
          "kill-bounce", "cut", "read", "refused"}

# Pages. PLACE is the directory that has the name; KIND whose format the name leads to; NEW is active/.postfix-ID.
PLACE, KIND, CONTENT, MODE, MARK, NEW, NEW_CONTENT, REASON, DELAY = range(9)
FILE = {CONTENT, MODE, MARK}
NAMES = {PLACE, KIND, NEW}


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple
    writer: str = "idle"        # idle created written completed synced committed gone
    client: str = "new"         # new sent acknowledged broken
    new: str = "no"             # of the file that takes over: no created written synced
    known: str = "unknown"      # to the queue manager: unknown active asked done failed put-off deferred reported gone
    agent: str = "idle"         # idle asked sent reasoned
    logged: str = "no"          # the reason, by the bounce service: no written
    delivered: int = 0
    reported: int = 0
    excused: int = 0
    attempts: int = 0
    crashes: int = 2


def change(state, **fields):
    return dataclasses.replace(state, **fields)


def is_complete(state):
    return now(state.pages, PLACE) != "none" and (now(state.pages, KIND) == "postfix" or
                                                  now(state.pages, MODE) == "complete")


def is_whole(state):
    return now(state.pages, KIND) == "postfix" or now(state.pages, CONTENT) == "whole"


class Model:
    def __init__(self, mistake=None):
        self.mistake = mistake

    @staticmethod
    def starts(crashes):
        nothing = ("none", "ours", "none", "incomplete", "todo", "none", "none", "none", "none")
        left = ("deferred", "postfix", "none", "incomplete", "todo", "none", "none", "none", "there")
        yield State(pages=fresh(*nothing), crashes=crashes)
        yield State(pages=fresh(*left), writer="gone", client="acknowledged", crashes=crashes)

    @staticmethod
    def check(state):
        if state.client == "acknowledged" and not state.delivered and not state.reported and \
                not (is_complete(state) and is_whole(state)):
            raise Broken("kept: the message was accepted and is lost")
        if state.delivered + state.reported > 1 + state.excused:
            raise Broken("once: the message is delivered or reported again")
        if now(state.pages, MARK) == "bounced" and now(state.pages, REASON) != "whole" and not state.reported:
            raise Broken("kept: nobody knows why the message failed")

    def steps(self, state):
        yield from self.write(state)
        yield from self.look(state)
        yield from self.take_over(state)
        yield from self.deliver(state)
        yield from self.end(state)
        changed = any(others for _, others in state.pages[PLACE:NEW + 1])
        if changed and state.writer in ("idle", "gone") and state.new == "no":
            yield "active-synced", change(state, pages=synced(state.pages, FILE | NAMES))
        if state.crashes:
            yield from self.crash(state)

    # --- the writer

    def write(self, state):
        pages = state.pages
        if state.writer == "idle":
            yield "file-created", change(state, writer="created", client="sent",
                                         pages=written(pages, (PLACE, "incoming"), (CONTENT, "part")))
        elif state.writer == "created":
            yield "file-written", change(state, writer="written", pages=written(pages, (CONTENT, "whole")))
        elif state.writer == "written":
            yield "file-completed", change(state, writer="completed", pages=written(pages, (MODE, "complete")))
        elif state.writer == "completed":
            early = self.mistake == "accepted-before-the-file-is-synced"
            yield "file-synced", change(state, writer="synced", pages=pages if early else synced(pages, FILE))
        elif state.writer == "synced":
            early = self.mistake == "accepted-before-the-name-is-synced"
            yield "file-committed", change(state, writer="committed", pages=pages if early else synced(pages, NAMES))
        elif state.writer == "committed":
            yield "acknowledged", change(state, writer="gone", client="acknowledged")

    # --- the queue manager finds it

    def look(self, state):
        place = now(state.pages, PLACE)
        if state.known != "unknown" or place == "none":
            return
        locked = state.writer not in ("idle", "gone", "committed")
        if locked and self.mistake != "taken-from-a-living-writer":
            return
        if not is_complete(state):
            if place == "incoming" and not locked:
                yield "removed", change(state, pages=written(state.pages, (PLACE, "none")))
            return
        if place == "incoming":
            yield "file-activated", change(state, known="loading", pages=written(state.pages, (PLACE, "active")))
        elif place == "deferred":
            yield "retried", change(state, known="loading", pages=written(state.pages, (PLACE, "active")))
        else:
            yield "read", change(state, known="loading")

    def take_over(self, state):
        pages = state.pages
        if state.known == "loading" and now(pages, KIND) == "postfix":
            if state.new == "no":
                yield "conversion-created", change(state, new="created",
                                                   pages=written(pages, (NEW, "there"), (NEW_CONTENT, "part")))
            elif state.new == "created":
                yield "conversion-written", change(state, new="written", pages=written(pages, (NEW_CONTENT, "whole")))
            elif state.new == "written":
                early = self.mistake == "renamed-before-it-is-synced"
                yield "conversion-completed", change(state, new="synced" if early else "completed")
            elif state.new == "completed":
                yield "conversion-synced", change(state, new="synced", pages=synced(pages, {NEW_CONTENT}))
            else:
                content, others = pages[NEW_CONTENT]
                after = written(pages, (NEW, "none"), (KIND, "ours"))
                ours = {CONTENT: (content, others), MODE: ("complete", ()), MARK: ("todo", ())}
                yield "converted", change(state, new="no", pages=tuple(
                    ours.get(number, page) for number, page in enumerate(after)))
        elif state.known == "loading":
            if not is_whole(state):
                if state.client == "acknowledged":
                    raise Broken("kept: what was accepted is damaged")
                yield "set-aside", change(state, known="gone", pages=written(pages, (PLACE, "none")))
                return
            known = {"done": "done", "bounced": "failed"}.get(now(pages, MARK), "active")
            yield "read", change(state, known=known)

    # --- an agent, and the bounce service that keeps its reasons

    def deliver(self, state):
        pages = state.pages
        if state.known == "active" and state.agent == "idle":
            yield "asked", change(state, known="asked", agent="asked")
        elif state.agent == "asked":
            if now(pages, PLACE) != "active" or now(pages, MARK) != "todo":
                yield "refused", change(state, agent="idle", known="gone" if state.known == "asked" else state.known)
                return
            if state.writer in ("written", "completed", "synced"):
                raise Broken("right: the message is delivered and may still be refused")
            yield "handed-over", change(state, agent="sent", delivered=state.delivered + 1)
            if state.attempts < 2:
                yield "deferred", change(state, agent="puts-off")
            yield "reason-written", change(state, agent="waits", logged="written",
                                           pages=written(pages, (REASON, "whole")))
        elif state.agent == "sent":
            yield "file-delivered", self.answered(state, "done", pages=written(pages, (MARK, "done")))
        elif state.agent == "puts-off":
            yield "delay-written", self.answered(state, "put-off", pages=written(pages, (DELAY, "there")),
                                                 attempts=state.attempts + 1)
        elif state.agent == "waits" and state.logged == "written":
            early = self.mistake == "bounced-before-the-reason-is-synced"
            yield "reason-synced", change(state, agent="reasoned", logged="no",
                                          pages=pages if early else synced(pages, {REASON}))
        elif state.agent == "waits":        # the bounce service is gone: no answer
            yield "deferred", change(state, agent="puts-off")
        elif state.agent == "reasoned":
            yield "file-bounced", self.answered(state, "failed", pages=written(pages, (MARK, "bounced")))

    @staticmethod
    def answered(state, known, **fields):
        return change(state, agent="idle", known=known if state.known == "asked" else state.known, **fields)

    def end(self, state):
        pages = state.pages
        if state.agent != "idle" and state.known not in ("asked",):
            return      # the message is locked
        if state.known == "put-off":
            yield "put-off", change(state, known="putting-off", pages=written(pages, (PLACE, "deferred")))
        elif state.known == "putting-off":
            yield "retry-time-set", change(state, known="unknown")
        elif state.known == "failed":
            if self.mistake == "buried-before-the-report":
                yield "file-buried", change(state, known="gone", pages=written(pages, (PLACE, "none")))
            elif self.mistake == "reasons-dropped-before-the-report" and now(pages, REASON) != "none":
                yield "reason-dropped", change(state, pages=written(pages, (REASON, "none")))
            yield "report-committed", change(state, known="reported", reported=state.reported + 1)
        elif state.known == "reported":
            yield "file-settled", change(state, known="settled", pages=written(pages, (MARK, "done")))
        elif state.known == "settled":
            yield "reason-dropped", change(state, known="done", pages=written(pages, (REASON, "none")))
        elif state.known == "done" and now(pages, DELAY) != "none":
            yield "delay-dropped", change(state, pages=written(pages, (DELAY, "none")))
        elif state.known == "done":
            yield "file-buried", change(state, known="gone", pages=written(pages, (PLACE, "none")))

    # --- kills and cuts

    def crash(self, state):
        left = state.crashes - 1
        if state.writer not in ("idle", "gone"):
            yield "kill-writer", change(state, writer="gone", crashes=left,
                                        client="broken" if state.client == "sent" else state.client)
        # Its request may still be unread. What it wrote is made durable by the next one, which removes what is unfinished.
        twice = (state.agent == "asked") + (state.known == "reported")
        clean = written(state.pages, (NEW, "none"))
        yield "kill-qmgr", change(state, known="unknown", new="no", crashes=left, excused=state.excused + twice,
                                  pages=synced(clean, range(len(clean))))
        if state.agent != "idle":
            known = "active" if state.known == "asked" else state.known
            yield "kill-agent", change(state, agent="idle", known=known, crashes=left,
                                       excused=state.excused + (state.agent == "sent"))
        if state.logged == "written":
            for log in ("whole", "none"):       # a half record counts for nothing
                yield "kill-bounce", change(state, logged="no", crashes=left,
                                            pages=written(state.pages, (REASON, log)))
        ended = state.delivered + state.reported
        gone = certain(state.pages, PLACE, "none") or certain(state.pages, MARK, "done") and \
            certain(state.pages, KIND, "ours")
        for disk in disks(state.pages):
            yield "cut", change(state, pages=disk, writer="idle" if state.writer == "idle" else "gone", new="no",
                                known="unknown", agent="idle", logged="no", crashes=left,
                                client="broken" if state.client == "sent" else state.client,
                                excused=state.excused + bool(ended and not gone))
