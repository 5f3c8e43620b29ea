"""Compares the declarations with the code: a parameter that the manual describes as working is read somewhere, and one
that is declared as planned or without effect is not. What counts as reading: its handle (param::name), its name as a whole string or
as $name in a string, or $name in the default of a parameter that is read itself."""
import re

NOT_PRODUCT = re.compile(r"_test\.cc$")


def _code(source):
    """The text of the product's C++ files below `source`."""
    paths = [path for path in source.rglob("*") if path.suffix in (".cc", ".h") and not NOT_PRODUCT.search(path.name)]
    return "\n".join(path.read_text() for path in sorted(paths))


def _read_names(code):
    handles = set(re.findall(r"\bparam::(?:per_service::)?(\w+)", code)) | set(re.findall(r"\bservice::(\w+)", code))
    strings = set(re.findall(r'"(\w+)"', code)) | set(re.findall(r"\$\{?(\w+)", code))
    return handles | strings


def complaints(declarations, source):
    """One line for each parameter whose status does not agree with the code."""
    read = _read_names(_code(source))
    by_name = {p.name: p for p in declarations.parameters}
    used = {p.name for p in declarations.parameters
            if p.identifier in read or p.name in read or (p.mirror_of and p.mirror_of in read)}
    used |= {f.fallback for f in declarations.families if f.suffix in read}
    waiting = list(used)
    while waiting:
        for name in re.findall(r"\$\{?\{?\$?(\w+)", by_name[waiting.pop()].default):
            if name in by_name and name not in used:
                used.add(name)
                waiting.append(name)
    lines = []
    for parameter in declarations.parameters:
        if parameter.name not in used and parameter.status == "working":
            lines.append(f"{parameter.name} ({parameter.area}.toml): nothing reads it; declare it as planned")
        if parameter.name in used and parameter.status != "working":
            lines.append(f"{parameter.name} ({parameter.area}.toml): it is read; it is not {parameter.status} any more")
    return lines
