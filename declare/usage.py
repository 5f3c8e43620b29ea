"""Compares the declarations with the code: a parameter that the manual describes as working is read somewhere, and one
that is declared as planned or without effect is not. What counts as reading: its handle (param::name), its name as a
whole string or as $name in a string, its family for one service, or $name in the default of a parameter that is read
itself, unless that default only says which tables may be opened. To refuse a setting that is not built yet
(server/refuse.h) is not reading."""
import re

PERMISSIONS = ("proxy_read_maps", "proxy_write_maps")
TEST = re.compile(r"_test\.cc$")
REFUSAL = re.compile(r"\brefuse_setting\([^;]*;")
PLANNED = 'status  = "planned"\nreason  = "the code that would read it is not built yet"\n'


def _code(source):
    """The text of the product's C++ files below `source`."""
    paths = [path for path in source.rglob("*") if path.suffix in (".cc", ".h") and not TEST.search(path.name)]
    return REFUSAL.sub("", "\n".join(path.read_text() for path in sorted(paths)))


def _read(declarations, code):
    """The names of all parameters that the code reads."""
    handles = set(re.findall(r"\bparam::(\w+)", code))
    qualified = set(re.findall(r"\b\w+::(\w+)", code))
    strings = set(re.findall(r'"(\w+)"', code)) | set(re.findall(r"\$\{?(\w+)", code))
    used = {p.name for p in declarations.parameters
            if p.identifier in handles or p.name in strings or p.mirror_of in handles | strings}
    for family in declarations.families:
        if family.suffix in qualified:
            used.add(family.fallback)
            used |= {p.name for p in declarations.parameters if p.name.endswith("_" + family.suffix)}
    by_name = {p.name: p for p in declarations.parameters}
    waiting = list(used)
    while waiting:
        parameter = by_name[waiting.pop()]
        if parameter.name in PERMISSIONS:
            continue
        for name in re.findall(r"\$\{?\{?\$?(\w+)", parameter.default):
            if name in by_name and name not in used:
                used.add(name)
                waiting.append(name)
    return used


def undeclared(declarations):
    """The names of Postfix that are neither a parameter, nor of a family, nor an old name."""
    declared = {entry.name for entry in [*declarations.parameters, *declarations.old_names]}
    of_family = re.compile(f"[a-z]+_({'|'.join(family.suffix for family in declarations.families)})")
    return [name for name in declarations.postfix_names if name not in declared and not of_family.fullmatch(name)]


def disagreements(declarations, source):
    """The parameters that work though nothing reads them, and those that are read though they are said not to work.
    A mirror follows the entry that it is made from; what is computed for expressions only is always read."""
    read = _read(declarations, _code(source))
    entries = [p for p in declarations.parameters if not p.mirror_of and not p.read_only]
    unread = [p for p in entries if p.name not in read and p.status == "working"]
    working = [p for p in entries if p.name in read and p.status != "working"]
    return unread, working


def correct(directory, unread, working):
    """Rewrites the entries so that they say what is true."""
    for path in sorted((directory / "parameters").glob("*.toml")):
        text = path.read_text()
        for parameter in unread:
            entry = re.compile(rf'(\[\[parameter\]\]\nname    = "{parameter.name}"\n(?:(?!\[\[).*\n)*?since   = .*\n)')
            text = entry.sub(lambda match: match[1] + PLANNED, text)
        for parameter in working:
            entry = re.compile(rf'(\[\[parameter\]\]\nname    = "{parameter.name}"\n(?:(?!\[\[).*\n)*?)'
                               r"status  = .*\nreason  = .*\n")
            text = entry.sub(lambda match: match[1], text)
        if text != path.read_text():
            path.write_text(text)
