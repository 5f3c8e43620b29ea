"""postconf(5): a hand-written head, and one section per parameter from the declarations."""
import re

VALUES = {"str": "text", "raw": "text whose $names the program expands", "int": "number", "long": "number",
          "bool": "yes or no", "time": "time"}
STATUS_WORDS = {"planned": "Not yet implemented", "no_effect": "Accepted without effect",
                "refused": "Only the default is accepted"}
COMPUTED = {"hostname": "the name of the machine", "domain": "the domain of $myhostname",
            "networks": "the networks of the machine", "process_id": "read-only", "process_name": "read-only",
            "service_name": "read-only"}

HEADING = 120  # the longest default that stands in the heading of its parameter


def roff(text):
    """Text as roff takes it literally."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def _default(parameter):
    return COMPUTED[parameter.function] if parameter.function else parameter.default or "empty"


def _section(parameter):
    default = roff(_default(parameter)).replace(chr(34), chr(92) + "(dq")
    short = len(default) <= HEADING
    lines = [f'.SS "{roff(parameter.name)} (default: {default if short else "see below"})"', roff(parameter.doc)]
    lines += [] if short else [".PP", f"Default: {default}"]
    if parameter.status != "working":
        lines += [".PP", roff(f"{STATUS_WORDS[parameter.status]}: {parameter.reason}.")]
    bounds = ""
    if parameter.type in ("int", "long", "time") and (parameter.minimum > 0 or parameter.bounded):
        bounds = f", from {parameter.minimum}" + (f" to {parameter.maximum}" if parameter.bounded else "")
    users = "all programs" if parameter.used_by == ["all"] else ", ".join(parameter.used_by)
    lines += [".PP", roff(f"Value: {VALUES[parameter.type]}{bounds}. Used by {users}. Since {parameter.since}.")]
    return lines


def postconf(declarations, head):
    """The page as roff."""
    lines = [head.rstrip("\n")]
    for parameter in declarations.parameters:
        lines += _section(parameter)
    lines += [".SH PARAMETERS OF ONE SERVICE"]
    for family in declarations.families:
        lines += [f'.SS "service_{roff(family.suffix)} (default: ${roff(family.fallback)})"', roff(family.doc)]
    lines += [".SH OLD NAMES"]
    for old in declarations.old_names:
        lines += [f'.SS "{roff(old.name)}"', roff(old.doc)]
        lines += [".PP", roff(f"Accepted without effect: {old.reason}.")] if old.reason else []
    lines += [".SH SEE ALSO", "postconf(1), master(5)"]
    return "\n".join(lines) + "\n"
