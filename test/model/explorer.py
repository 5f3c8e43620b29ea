"""What the models have in common: a disk of pages, and the search through all states.

A page of the disk is a pair: its value as processes see it, and all values that it could have after a power cut besides
that one. A cut chooses one for each page by itself, which is what test/crash/replay.py does to sectors. A model is a
frozen dataclass as state, and a class with `starts(crashes)`, the states in which a history begins, `steps(state)`,
which yields pairs of an arrow and the next state, and `check(state)`, which raises Broken.
"""
import collections
import itertools


class Broken(Exception):
    """An invariant does not hold."""


class Model:
    """What the models have in common. `state` is the class of their states; `mistake` leaves one precaution out."""
    state = None

    def __init__(self, mistake=None):
        self.mistake = mistake

    @classmethod
    def starts(cls, crashes):
        yield cls.state(crashes=crashes)


def put(items, index, value):
    return items[:index] + (value,) + items[index + 1:]


# --- the disk

def fresh(*values):
    return tuple((value, ()) for value in values)


def now(pages, page):
    return pages[page][0]


def certain(pages, page, value):
    """Whether the page has this value after a power cut, too."""
    return pages[page] == (value, ())


def written(pages, *changes):
    """The pages after these writes, none of them durable yet."""
    pages = list(pages)
    for page, value in changes:
        current, others = pages[page]
        if current != value:
            pages[page] = (value, tuple(sorted((set(others) | {current}) - {value}, key=str)))
    return tuple(pages)


def synced(pages, which):
    return tuple((value, ()) if number in which else (value, others) for number, (value, others) in enumerate(pages))


def disks(pages):
    """Every disk that a power cut may leave."""
    return (fresh(*choice) for choice in itertools.product(*((value, *others) for value, others in pages)))


# --- the search

def explore(model, starts):
    """Breadth first through all states. (number of states, arrows and how often, None or (what broke, the way there))"""
    origin, arrows = dict.fromkeys(starts), collections.Counter()
    queue = collections.deque(origin)
    state = None
    try:
        while queue:
            state = queue.popleft()
            for arrow, following in model.steps(state):
                arrows[arrow] += 1
                if following not in origin:
                    origin[following] = (state, arrow)
                    state_before, state = state, following
                    model.check(following)
                    state = state_before
                    queue.append(following)
    except Broken as broken:
        return len(origin), arrows, (str(broken), way_to(state, origin))
    return len(origin), arrows, None


def way_to(state, origin):
    way = []
    while origin[state]:
        state, arrow = origin[state]
        way.append(arrow)
    return way[::-1]
