"""Reads declare/parameters/*.toml, checks every entry, and writes what C++ needs from them.

One header an area (param/<area>.h) holds extern handles, so that a new parameter in one area rebuilds only the
files that include that area. The slots behind the handles and the table of all declarations are in param/table.cc.
"""
import dataclasses
import pathlib
import re
import tomllib

KINDS = {  # type in the declaration -> (C++ handle, C++ kind)
    "str": ("StringParameter", "Kind::String"),
    "raw": ("StringParameter", "Kind::Raw"),
    "int": ("IntParameter", "Kind::Int"),
    "long": ("LongParameter", "Kind::Long"),
    "bool": ("BoolParameter", "Kind::Bool"),
    "time": ("TimeParameter", "Kind::Time"),
}
FUNCTIONS = ["hostname", "domain", "networks", "process_id", "process_name", "service_name"]
STATUSES = {  # status in the declaration -> C++ status
    "working": "Status::Working",      # the code reads it
    "planned": "Status::Planned",      # a setting has no effect yet; the administrator is warned
    "no_effect": "Status::NoEffect",   # a setting has no effect and needs none
    "refused": "Status::Refused",      # only the default is accepted: anything else cannot be ignored without harm
}
LIMITS = {"int": 2**31 - 1, "long": 2**63 - 1, "time": 2**31 - 1}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
PARAMETER_FIELDS = {"name", "type", "default", "default_function", "read_only", "file_value", "min", "max", "words", "word_list",
                    "exact_case", "used_by", "since", "doc", "lmtp", "status", "reason"}
FAMILY_FIELDS = {"suffix", "type", "fallback", "used_by", "doc"}
OLD_NAME_FIELDS = {"name", "used_by", "since", "doc", "reason"}


class DeclarationError(Exception):
    """An entry that breaks the rules; the text names the file and the entry."""


@dataclasses.dataclass
class Parameter:
    name: str
    area: str
    type: str
    default: str
    function: str | None
    read_only: bool
    file_value: bool
    minimum: int
    maximum: int
    used_by: list[str]
    since: str
    doc: str
    words: list[str] = dataclasses.field(default_factory=list)  # what the value may be; "": it may be empty
    word_list: bool = False      # several of the words
    exact_case: bool = False     # upper and lower case of the words differ
    lmtp: str | None = None      # the name of its mirror for the LMTP client
    mirror_of: str | None = None
    status: str = "working"      # one of STATUSES
    reason: str = ""             # why it is not working
    unit: str = "s"              # of a time that is written without one: that of the default (postconf(5))

    @property
    def identifier(self):
        return "_" + self.name if self.name[0].isdigit() else self.name

    @property
    def bounded(self):
        """Whether the declaration says a maximum."""
        return self.maximum != LIMITS.get(self.type, 0)


@dataclasses.dataclass
class Family:
    suffix: str
    area: str
    type: str
    fallback: str
    used_by: list[str]
    doc: str


@dataclasses.dataclass
class OldName:
    """A name that Postfix's manual still explains, and postconf does not list: the default of the parameter that took
    its place refers to it, or, with a reason, nothing does."""
    name: str
    area: str
    used_by: list[str]
    since: str
    doc: str
    reason: str


@dataclasses.dataclass
class Declarations:
    areas: list[str]
    parameters: list[Parameter]  # sorted by name; the index is the slot
    families: list[Family]
    old_names: list[OldName]     # sorted by name
    postfix_names: list[str]

    def slot(self, name):
        return next(i for i, p in enumerate(self.parameters) if p.name == name)


def load(directory):
    """All declarations below `directory` (declare/), checked."""
    areas, parameters, families, old_names = [], [], [], []
    for path in sorted((directory / "parameters").glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as error:
            raise DeclarationError(f"{path}: {error}") from error
        if unknown := set(data) - {"parameter", "family", "old_name"}:
            raise DeclarationError(f"{path}: unknown table {', '.join(unknown)}: expected parameter, family or old_name")
        areas.append(path.stem)
        for entry in data.get("parameter", []):
            parameters += _parameters_of(path, entry)
        families += [_family_of(path, entry) for entry in data.get("family", [])]
        old_names += [_old_name_of(path, entry) for entry in data.get("old_name", [])]
    parameters.sort(key=lambda p: p.name)
    old_names.sort(key=lambda old: old.name)
    for first, second in zip(parameters, parameters[1:]):
        if first.name == second.name:
            raise DeclarationError(f"{first.name} is declared twice, in {first.area}.toml and {second.area}.toml")
    names = [line for line in (directory / "postfix-names.txt").read_text().splitlines() if not line.startswith("#")]
    _check_references(parameters, families, old_names, set(names))
    _set_units(parameters)
    return Declarations(areas, parameters, families, old_names, names)


def _parameters_of(path, entry):
    """The parameter that the entry declares, and its LMTP mirror if it has one."""
    where = f"{path.name}: {entry.get('name', 'an entry without name')}"
    if unknown := set(entry) - PARAMETER_FIELDS:
        raise DeclarationError(f"{where}: unknown field {', '.join(sorted(unknown))}")
    for field in ("name", "type", "used_by", "since", "doc"):
        if not entry.get(field):
            raise DeclarationError(f"{where}: {field} is missing")
    if not re.fullmatch(r"[a-z0-9_]+(_CA(file|path)?)?", entry["name"]):
        raise DeclarationError(f"{where}: a name has lower-case letters, digits, _ and at its end _CA, _CAfile or _CApath")
    if wrong := [user for user in entry["used_by"] if not re.fullmatch(r"[a-z][a-z0-9-]*", user)]:
        raise DeclarationError(f"{where}: used_by {', '.join(wrong)}: expected the name of a program, or all")
    if entry["type"] not in KINDS:
        raise DeclarationError(f"{where}: type {entry['type']}: expected one of {', '.join(KINDS)}")
    if ("default" in entry) == ("default_function" in entry):
        raise DeclarationError(f"{where}: expected either default or default_function")
    if entry.get("status", "working") not in STATUSES or ("status" in entry) != ("reason" in entry):
        raise DeclarationError(f'{where}: expected status = "planned", "no_effect" or "refused", with a reason')
    parameter = Parameter(
        name=entry["name"], area=path.stem, type=entry["type"], default=entry.get("default", ""),
        function=entry.get("default_function"), read_only=entry.get("read_only", False),
        file_value=entry.get("file_value", False),
        minimum=entry.get("min", 0), maximum=entry.get("max", LIMITS.get(entry["type"], 0)),
        used_by=entry["used_by"], since=entry["since"], doc=" ".join(entry["doc"].split()),
        status=entry.get("status", "working"), reason=entry.get("reason", ""))
    parameter.words, parameter.word_list = entry.get("words", []), entry.get("word_list", False)
    parameter.exact_case = entry.get("exact_case", False)
    _check_words(where, parameter)
    _check_default(where, parameter)
    if "lmtp" not in entry:
        return [parameter]
    return [parameter, _mirror_of(where, parameter, entry["lmtp"])]


def _mirror_of(where, parameter, lmtp):
    """The lmtp_ twin of an smtp_ parameter: the same text with lmtp_ for smtp_, unless the entry says otherwise."""
    if not parameter.name.startswith("smtp_"):
        raise DeclarationError(f"{where}: only an smtp_ parameter can have an lmtp_ mirror")
    changes = {} if lmtp is True else lmtp
    if set(changes) - {"name", "default", "since", "status", "reason"} or ("status" in changes) != ("reason" in changes):
        raise DeclarationError(f"{where}: lmtp = true or {{ name = ..., default = ..., since = ..., status = ..., reason = ... }}")
    parameter.lmtp = changes.get("name", "lmtp_" + parameter.name.removeprefix("smtp_"))
    mirror = dataclasses.replace(
        parameter, name=parameter.lmtp, default=changes.get("default", parameter.default.replace("smtp_", "lmtp_")),
        lmtp=None, mirror_of=parameter.name, used_by=["lmtp"], since=changes.get("since", parameter.since),
        status=changes.get("status", parameter.status), reason=changes.get("reason", parameter.reason),
        doc=f"The same as {parameter.name}, for the LMTP client. {parameter.doc}")
    _check_default(where, mirror)
    return mirror


def _check_words(where, parameter):
    if not parameter.words:
        if parameter.word_list or parameter.exact_case:
            raise DeclarationError(f"{where}: word_list and exact_case go with words")
        return
    if parameter.type != "str":
        raise DeclarationError(f"{where}: only a str has words")
    if wrong := [word for word in parameter.words if not re.fullmatch(r"[a-z0-9_]*", word)]:
        raise DeclarationError(f"{where}: words {', '.join(wrong)}: expected lower-case letters, digits and _")


def _check_default(where, parameter):
    """A default that is no expression must be a value of its type, and within its bounds or of its words."""
    text = parameter.default
    if parameter.words and "$" not in text:
        used = re.split(r"[, ]+", text) if parameter.word_list else [text]
        if wrong := [word for word in used if word not in parameter.words]:
            raise DeclarationError(f"{where}: default {text}: {', '.join(wrong) or 'empty'} is none of its words")
    if parameter.function is not None and parameter.function not in FUNCTIONS:
        raise DeclarationError(f"{where}: default_function {parameter.function}: expected one of {', '.join(FUNCTIONS)}")
    if parameter.type == "time" and not re.fullmatch(r"\$\w+", text) and (not text or text[-1] not in UNITS):
        raise DeclarationError(f"{where}: the default of a time must end in its unit (s m h d w), or be $name of another")
    if parameter.function or "$" in text or parameter.type in ("str", "raw"):
        return
    if parameter.type == "bool":
        if text not in ("yes", "no"):
            raise DeclarationError(f"{where}: default {text}: expected yes or no")
        return
    number = text[:-1] if parameter.type == "time" else text
    if not re.fullmatch(r"\d+", number):
        raise DeclarationError(f"{where}: default {text}: expected a number")
    value = int(number) * (UNITS[text[-1]] if parameter.type == "time" else 1)
    if not parameter.minimum <= value <= parameter.maximum:
        raise DeclarationError(f"{where}: default {text} is outside {parameter.minimum}..{parameter.maximum}")


def _family_of(path, entry):
    where = f"{path.name}: family {entry.get('suffix', 'without suffix')}"
    if set(entry) != FAMILY_FIELDS:
        raise DeclarationError(f"{where}: expected the fields {', '.join(sorted(FAMILY_FIELDS))}")
    if entry["type"] not in KINDS:
        raise DeclarationError(f"{where}: type {entry['type']}: expected one of {', '.join(KINDS)}")
    return Family(entry["suffix"], path.stem, entry["type"], entry["fallback"], entry["used_by"],
                  " ".join(entry["doc"].split()))


def _old_name_of(path, entry):
    where = f"{path.name}: old name {entry.get('name', 'without name')}"
    if set(entry) | {"reason"} != OLD_NAME_FIELDS:
        raise DeclarationError(f"{where}: expected the fields {', '.join(sorted(OLD_NAME_FIELDS))} (reason: if nothing uses it)")
    return OldName(entry["name"], path.stem, entry["used_by"], entry["since"], " ".join(entry["doc"].split()),
                   entry.get("reason", ""))


def _set_units(parameters):
    """A time whose default is that of another one has its unit, too."""
    by_name = {p.name: p for p in parameters}
    for parameter in parameters:
        origin = parameter
        while parameter.type == "time" and origin.default.startswith("$") and origin.default[1:].isidentifier():
            origin = by_name[origin.default[1:]]
        if parameter.type == "time":
            parameter.unit = origin.default[-1]


def _check_references(parameters, families, old_names, postfix_names):
    by_name = {p.name: p for p in parameters}
    for old in old_names:
        if old.name in by_name:
            raise DeclarationError(f"{old.name} ({old.area}.toml) is declared as a parameter, too")
        users = [p.name for p in parameters if re.search(rf"\$\{{?{old.name}\b", p.default)]
        if bool(users) == bool(old.reason):
            raise DeclarationError(f"{old.name} ({old.area}.toml): a reason is for a name that no default refers to")
    for family in families:
        fallback = by_name.get(family.fallback)
        if fallback is None or fallback.type != family.type:
            raise DeclarationError(f"family {family.suffix}: {family.fallback} is no {family.type} parameter")
    for parameter in parameters:
        if (parameter.name in postfix_names) != parameter.since.startswith("postfix "):
            raise DeclarationError(f"{parameter.name}: since = \"{parameter.since}\" does not agree with postfix-names.txt")


# ---------------------------------------------------------------------------------------------------------------------

def header(declarations, area):
    """param/<area>.h: the handles of one area."""
    lines = [f"// Generated from declare/parameters/{area}.toml.", "#pragma once", "",
             '#include "config/parameter.h"', "", "namespace posthaste::param {", ""]
    for parameter in declarations.parameters:
        if parameter.area == area:
            lines += [f"// {parameter.doc}", f"extern const config::{KINDS[parameter.type][0]} {parameter.identifier};"]
    families = [family for family in declarations.families if family.area == area]
    if families:
        lines += ["", "// <service>_<suffix>, for Config::get_for(service, ...).", "namespace per_service {"]
        lines += [f"extern const config::Family<config::{KINDS[f.type][0]}> {f.suffix};" for f in families]
        lines += ["}  // namespace per_service"]
    return "\n".join(lines + ["", "}  // namespace posthaste::param", ""])


def _literal(text):
    return 'R"ph(' + text + ')ph"' if text else '""'


def _bool(value):
    return "true" if value else "false"


def _words(parameter):
    """A config::Words."""
    if not parameter.words:
        return "{}"
    several = "Several::Yes" if parameter.word_list else "Several::No"
    case = "Case::Counts" if parameter.exact_case else "Case::Ignored"
    empty = "Empty::Allowed" if "" in parameter.words else "Empty::Refused"
    return f"{{{_literal(' '.join(filter(None, parameter.words)))}, Words::{several}, Words::{case}, Words::{empty}}}"


def table(declarations):
    """param/table.cc: slots of the handles, and every declaration as data."""
    slots = {p.name: i for i, p in enumerate(declarations.parameters)}
    lines = ["// Generated from declare/parameters/*.toml.",
             '#include "config/declaration.h"', ""]
    lines += [f'#include "param/{area}.h"' for area in declarations.areas]
    lines += ["", "namespace posthaste::param {", ""]
    for p in declarations.parameters:
        slot, lmtp = slots[p.name], slots[p.lmtp or p.name]
        lines.append(f"constinit const config::{KINDS[p.type][0]} {p.identifier}{{{slot}, {lmtp}}};")
    lines += ["", "namespace per_service {"]
    for i, f in enumerate(declarations.families):
        handle = KINDS[f.type][0]
        lines.append(f"constinit const config::Family<config::{handle}> {f.suffix}{{{{{slots[f.fallback]}, "
                     f"{slots[f.fallback]}}}, {i}}};")
    lines += ["}  // namespace per_service", "", "}  // namespace posthaste::param", "",
              "namespace posthaste::config {", "namespace {", "", "constexpr Declaration declaration_table[] = {"]
    for p in declarations.parameters:
        function = f"DefaultFunction::{_pascal(p.function)}" if p.function else "DefaultFunction::None"
        lines.append(f"    {{{_literal(p.name)}, {_literal(p.area)}, {_literal(p.default)}, {_literal(' '.join(p.used_by))}, "
                     f"{_literal(p.since)}, {_literal(p.doc)}, {_literal(p.reason)}, {p.minimum}, {p.maximum}, "
                     f"{_words(p)}, {KINDS[p.type][1]}, {STATUSES[p.status]}, {function}, '{p.unit}', {_bool(p.read_only)}, "
                     f"{_bool(p.file_value)}}},")
    lines += ["};", "", "constexpr FamilyDeclaration family_table[] = {"]
    for f in declarations.families:
        lines.append(f"    {{{_literal(f.suffix)}, {_literal(f.fallback)}, {_literal(' '.join(f.used_by))}, "
                     f"{_literal(f.doc)}, {slots[f.fallback]}, {KINDS[f.type][1]}}},")
    lines += ["};", "", "constexpr OldName old_name_table[] = {"]
    lines += [f'    {{"{old.name}", {_literal(old.reason)}}},' for old in declarations.old_names]
    lines += ["};", "", "}  // namespace", "",
              "std::span<const Declaration> declarations() { return declaration_table; }",
              "std::span<const FamilyDeclaration> families() { return family_table; }",
              "std::span<const OldName> old_names() { return old_name_table; }",
              "",
              "}  // namespace posthaste::config", ""]
    return "\n".join(lines)


def _pascal(name):
    return "".join(part.capitalize() for part in name.split("_"))
