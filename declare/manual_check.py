"""Whether the manual pages agree with the programs: every command and daemon has a page, a page names the options that
its program takes and no others, and every page can be formatted without a warning (by groff)."""
import pathlib
import re
import subprocess
import tempfile
import tomllib

import manual

# How the sources say which options there are: getopt's string, getopt_long's table, the word itself, or a switch (postmap).
LETTERS = re.compile(r'(?:getopt(?:_long)?\([^"]*?|letters = )"(\+?:?(?:[\w#]:{0,2})+)"', re.S)
CASES = re.compile(r"(?:case|option [!=]=) '([\w#])'")
LONG = re.compile(r'"([a-z][a-z-]+)", (?:no|required)_argument')
WORDS = re.compile(r'"(--[a-z][a-z-]+)"')
OPTIONS_ELSEWHERE = {"postmap": ["src/table/tool_options.cc"], "postalias": ["src/table/tool_options.cc"]}
ONLY_POSTMAP = set("bFhmU")
COMMAND_GLOBS = ["{name}.cc", "options.cc", "arguments.cc", "main.cc", "drop.cc", "explain.cc"]


def _taken(name, root):
    """The options of a program, as its sources have them; nothing if it has none of its own."""
    if name in OPTIONS_ELSEWHERE:
        text = "".join((root / path).read_text() for path in OPTIONS_ELSEWHERE[name])
        letters = set(CASES.findall(text)) - (set() if name == "postmap" else ONLY_POSTMAP)
        return {f"-{letter}" for letter in letters}
    kind = "daemon" if name == "master" else "command"
    folder = root / "src" / kind / name
    names = [glob.format(name=name.replace("-", "_")) for glob in COMMAND_GLOBS]
    text = "\n".join((folder / file).read_text() for file in names if (folder / file).exists())
    letters = {letter for found in LETTERS.findall(text) for letter in re.sub(r"[+:]", "", found)}
    words = {f"--{word}" for word in LONG.findall(text)} | set(WORDS.findall(text))
    return {f"-{letter}" for letter in letters} | words


def _named(text):
    """The options that the items of a page as roff describe: -bd is one form of -b, and --ledger is one word."""
    terms = " ".join(line for line in text.splitlines() if line.startswith(".IP")).replace("\\-", "-")
    words = re.findall(r"\\fB(--?[\w#][\w-]*)\\fR", terms)
    return {word if word.startswith("--") else word[:2] for word in words}


def _programs(here):
    """{program: section}, with its other names."""
    programs = {}
    for name, entry in tomllib.loads((here / "commands.toml").read_text()).items():
        programs |= dict.fromkeys([name, *entry.get("names", [])], "1")
    for entry in tomllib.loads((here / "services.toml").read_text()).values():
        names = [entry["program"], entry.get("command", entry["program"]), *entry.get("names", [])]
        programs |= dict.fromkeys(names, "8")
    return programs | dict.fromkeys((path.name for path in (here.parent / "src/daemon").iterdir()), "8")


def _warnings(directory):
    """All pages in one run of groff, which says of each warning where it is."""
    pages = sorted(str(path.relative_to(directory)) for path in directory.glob("man?/*"))
    result = subprocess.run(["groff", "-s", "-I", ".", "-man", "-Tutf8", "-ww", "-z", *pages], cwd=directory, text=True,
                            capture_output=True, check=False)
    return result.stderr.splitlines() or (["groff fails"] if result.returncode else [])


def problems(pages, here):
    """One text for each thing that is wrong. `pages`: {file name: roff}."""
    found = [f"{name}({section}): there is no page (man/{name}.{section}.text)"
             for name, section in sorted(_programs(here).items()) if f"{name}.{section}" not in pages]
    for file, text in sorted(pages.items()):
        name, section = file.rsplit(".", 1)
        own = not text.startswith(".so ") and name not in OPTIONS_ELSEWHERE or name in ("postmap", "postalias")
        if own and (section == "1" or file == "master.8"):
            taken, named = _taken(name, here.parent), _named(text)
            found += [f"{file}: {name} has no option {option}" for option in sorted(named - taken)]
            found += [f"{file}: the option {option} of {name} is missing" for option in sorted(taken - named)]
        for other, part in re.findall(r"\b([a-z][\w-]+)\(([158])\)", text[text.find(".SH SEE ALSO"):].replace("\\", "")):
            if f"{other}.{part}" not in pages:
                found.append(f"{file}: SEE ALSO names {other}({part}), which does not exist")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        manual.write(pages, directory)
        found += _warnings(directory)
    return found
