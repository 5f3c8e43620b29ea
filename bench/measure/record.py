"""The tables of doc/performance.md, between comments that name them: <!-- table: rates --> ... <!-- end -->."""
import re

from measure import ROOT

PAGE = ROOT / "doc" / "performance.md"


def _pattern(name):
    return re.compile(rf"(<!-- table: {name} -->\n)(.*?)(<!-- end -->)", re.S)


def table(name):
    """The text of a table; empty when the page has none."""
    found = _pattern(name).search(PAGE.read_text())
    return found[2] if found else ""


def replace(name, text):
    page, times = _pattern(name).subn(lambda found: f"{found[1]}{text}{found[3]}", PAGE.read_text())
    if times != 1:
        raise RuntimeError(f"{PAGE} has no table {name}")
    PAGE.write_text(page)
    print(f"{PAGE.relative_to(ROOT)}: table {name} is new")
