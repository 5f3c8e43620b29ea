"""Manual pages. postconf(5): a hand-written head, and one section per parameter from the declarations. Every other page
is man/NAME.SECTION.text, to which the parameters that its program reads are added.

The text of a page: its first line is "name, other name - what it is". Then
  # HEADING    a section          ## heading   a subsection         : term   an item, whose text follows
  an empty line begins a paragraph; four blanks in front of a line keep it as it is (an example)
  `text` is bold, <text> stands for something else; in terms and in the synopsis options are bold by themselves.
The parameters come before the section FILES, or where it would stand.
"""
import dataclasses
import re

VALUES = {"str": "text", "raw": "text whose $names the program expands", "int": "number", "long": "number",
          "bool": "yes or no", "time": "time"}
STATUS_WORDS = {"planned": "Not yet implemented", "no_effect": "Accepted without effect",
                "refused": "Only the default is accepted"}
COMPUTED = {"hostname": "the name of the machine", "domain": "the domain of $myhostname",
            "networks": "the networks of the machine", "process_id": "read-only", "process_name": "read-only",
            "service_name": "read-only"}

LONG_WORD = 40
HEADING = 120  # the longest default that stands in the heading of its parameter


def roff(text):
    """Text as roff takes it literally. A word that is as long as a line may be broken behind its punctuation."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(rf"\S{{{LONG_WORD},}}", lambda word: re.sub(r"([,/:|?}])(?=\S)", r"\1\\:", word[0]), text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def _default(parameter):
    return COMPUTED[parameter.function] if parameter.function else parameter.default or "empty"


def _words(parameter):
    words = [word for word in parameter.words if word]
    listed = ", ".join(words[:-1]) + (" or " if words[:-1] else "") + words[-1]
    text = f"one or more of {listed}, separated by comma or space" if parameter.word_list else listed
    return text + (", or empty" if "" in parameter.words else "") + \
        ("; upper and lower case differ" if parameter.exact_case else "")


def _section(parameter):
    default = roff(_default(parameter))
    short = len(_default(parameter)) <= HEADING
    heading = _quoted(f"{roff(parameter.name)} (default: {default if short else 'see below'})")
    lines = [f".SS {heading}", roff(parameter.doc)]
    lines += [] if short else [".PP", f"Default: {default}"]
    if parameter.status != "working":
        lines += [".PP", roff(f"{STATUS_WORDS[parameter.status]}: {parameter.reason}.")]
    bounds = ""
    if parameter.type in ("int", "long", "time") and (parameter.minimum > 0 or parameter.bounded):
        bounds = f", from {parameter.minimum}" + (f" to {parameter.maximum}" if parameter.bounded else "")
    values = _words(parameter) if parameter.words else VALUES[parameter.type] + bounds
    users = "all programs" if parameter.used_by == ["all"] else ", ".join(parameter.used_by)
    lines += [".PP", roff(f"Value: {values}. Used by {users}. Since {parameter.since}.")]
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


TITLES = {"1": "User commands", "5": "File formats", "8": "System administration"}
LAST_SECTIONS = ["FILES", "EXIT STATUS", "SEE ALSO"]      # behind the parameters, in this order
LONGEST_SHOWN = 40                                        # of a default that a program's page repeats


def _quoted(text):
    """As an argument of a macro."""
    return '"' + text.replace('"', "\\(dq") + '"'


def _inline(text):
    """`bold` and <variable>, with everything else taken literally."""
    parts = re.split(r"(`[^`]+`|<[a-z][\w ./,:=-]*>)", text)
    shown = []
    for part in parts:
        bold, variable = part.startswith("`") and len(part) > 1, part.startswith("<") and part.endswith(">")
        body = roff(part[1:-1] if bold or variable else part)
        shown.append(f"\\fB{body}\\fR" if bold else f"\\fI{body}\\fR" if variable else body)
    return "".join(shown)


def _with_options(text):
    """As _inline(), and words that are options are bold."""
    return _inline(re.sub(r"(?<![\w`<-])(--?[A-Za-z0-9#][\w-]*)(?![\w`>])", r"`\1`", text))


@dataclasses.dataclass
class Page:
    """What one man/NAME.SECTION.text says."""
    name: str
    section: str
    names: list[str]                      # of the page, the first is the file's
    purpose: str
    sections: dict[str, list[str]]        # heading: lines


def read_page(path):
    name, section = path.name.removesuffix(".text").rsplit(".", 1)
    first, *lines = path.read_text().splitlines()
    names, dash, purpose = first.partition(" - ")
    page = Page(name, section, names.split(", "), purpose, {})
    if not dash or page.names[0] != name:
        raise ValueError(f"{path}: the first line is not '{name} - what it is'")
    for line in lines:
        if line.startswith("# "):
            body = page.sections.setdefault(line[2:], [])
        elif page.sections:
            body.append(line)
    return page


def _synopsis(lines):
    shown = [re.sub(r"^(\S+)", r"`\1`", line) if re.match(r"[a-z]", line) else line for line in lines if line]
    return [".nf", *map(_with_options, shown), ".fi"]


def _body(lines):
    result, example, paragraph = [], False, False
    for line in [*lines, ""]:
        if line.startswith("    ") != example:
            result += [".fi", ".RE"] if example else [".RS 4", ".nf"]
            example = not example
        if example:
            result.append(_inline(line[4:]))
            continue
        if line.startswith("## "):
            result.append(f".SS {roff(line[3:])}")
        elif line.startswith(": "):
            result.append(f".IP {_quoted(_with_options(line[2:]))} 4")
        elif line:
            result += ([".PP"] if paragraph and result and not result[-1].startswith((".SS", ".IP")) else []) + \
                [_inline(line)]
        paragraph = not line
    return result


def _first_sentence(text):
    return re.split(r"(?<=[.:])\s", " ".join(text.split()), maxsplit=1)[0].rstrip(":")


def _parameters(declarations, page):
    readers = {*page.names, page.name}
    mine = [p for p in declarations.parameters
            if readers & set(p.used_by) and p.status == "working" and not (p.mirror_of and "smtp" in readers)]
    if page.section == "5" or not mine:
        return []
    lines = [".SH CONFIGURATION PARAMETERS",
             "postconf(5) describes them, and those that all programs read. A change takes effect with "
             "\\fBpostfix reload\\fR." if page.section == "8" else
             "postconf(5) describes them, and those that all programs read."]
    if "smtp" in readers:
        lines.append("For the LMTP client the names begin with lmtp_ instead of smtp_.")
    for parameter in sorted(mine, key=lambda p: p.name):
        default = _default(parameter)
        shown = f" ({default})" if len(default) <= LONGEST_SHOWN else ""
        lines += [f".IP {_quoted(f'{chr(92)}fB{roff(parameter.name)}{chr(92)}fR{roff(shown)}')} 4",
                  roff(_first_sentence(parameter.doc))]
    return lines


def page_as_roff(page, declarations):
    """The page as roff."""
    lines = [f'.TH {page.name.upper().replace("-", chr(92) + "-")} {page.section} "" "Posthaste" "{TITLES[page.section]}"',
             ".ad l", ".SH NAME", f'{roff(", ".join(page.names))} \\- {roff(page.purpose)}']
    for heading, body in page.sections.items():
        if heading not in LAST_SECTIONS:
            lines += [f".SH {roff(heading)}", *(_synopsis(body) if heading == "SYNOPSIS" else _body(body))]
    lines += _parameters(declarations, page)
    for heading in LAST_SECTIONS:
        if heading in page.sections:
            lines += [f".SH {heading}", *_body(page.sections[heading])]
    return "\n".join(lines) + "\n"


def pages(declarations, directory):
    """{file name: roff} of all pages: those that are roff already, those that are texts and their other names."""
    result = {path.name: path.read_text() for path in directory.glob("*.[158]")}
    result["postconf.5"] = postconf(declarations, (directory / "postconf.5.head").read_text())
    for path in sorted(directory.glob("*.text")):
        page = read_page(path)
        file = f"{page.name}.{page.section}"
        result[file] = page_as_roff(page, declarations)
        for other in page.names[1:]:
            result[f"{other}.{page.section}"] = f".so man{page.section}/{file}\n"
    return result


def write(pages_by_name, directory):
    """man1, man5 and man8 below the directory."""
    for name, text in pages_by_name.items():
        path = directory / f"man{name[-1]}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
