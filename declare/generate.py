#!/usr/bin/python3
"""Makes everything that is derived from the declarations. Output goes to the build folder only.

usage: generate.py layers OUTPUT.cmake    the libraries, what each links with, programs with several names
       generate.py param OUTPUT_DIRECTORY  param/<area>.h and param/table.cc from parameters/*.toml
       generate.py usage [--fix]           fails if the status of a parameter does not agree with the code, no test
                                           sets one that is honoured, or one of Postfix is not declared; --fix
                                           corrects the status instead
       generate.py man OUTPUT_DIRECTORY    man1, man5 and man8: pages from man/ and what is declared
       generate.py manuals                 fails if a page is missing, names other options than its program takes, or
                                           cannot be formatted
"""
import pathlib
import sys
import tomllib

sys.dont_write_bytecode = True  # the source tree stays clean
import manual  # noqa: E402
import manual_check  # noqa: E402
import parameters  # noqa: E402
import tested  # noqa: E402
import usage  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def write_if_changed(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def layers(output):
    """layers.cmake: LAYERS in order, LAYER_<name> and EXTERNAL_<name> lists; what programs are also called."""
    data = tomllib.loads((HERE / "layers.toml").read_text())
    lines = ["# Generated from declare/layers.toml.", f"set(LAYERS {' '.join(data['layers'])})"]
    for name, below in data["layers"].items():
        lines.append(f"set(LAYER_{name} {' '.join(below)})")
        lines.append(f"set(EXTERNAL_{name} {' '.join(data['external'].get(name, []))})")
    commands = tomllib.loads((HERE / "commands.toml").read_text())
    for name, entry in commands.items():
        lines.append(f"set(OTHER_NAMES_command_{name} {' '.join(entry.get('names', []))})")
    lines.append(f"set(SET_GID_COMMANDS {' '.join(name for name, entry in commands.items() if entry.get('set_gid'))})")
    for entry in tomllib.loads((HERE / "services.toml").read_text()).values():
        if entry.get("command", entry["program"]) != entry["program"]:
            lines.append(f"list(APPEND OTHER_NAMES_daemon_{entry['program']} {entry['command']})")
        for name in entry.get("names", []):
            lines.append(f"list(APPEND OTHER_NAMES_daemon_{entry['program']} {name})")
    write_if_changed(output, "\n".join(lines) + "\n")


def param(output):
    """The typed handles, one header an area, and the table behind them."""
    declarations = parameters.load(HERE)
    for area in declarations.areas:
        write_if_changed(pathlib.Path(output) / f"{area}.h", parameters.header(declarations, area))
    write_if_changed(pathlib.Path(output) / "table.cc", parameters.table(declarations))


def man(output):
    """The manual pages that hold what is declared."""
    manual.write(manual.pages(parameters.load(HERE), HERE.parent / "man"), pathlib.Path(output))


def check_manuals():
    """Whether the manual pages agree with the programs; what does not is printed."""
    problems = manual_check.problems(manual.pages(parameters.load(HERE), HERE.parent / "man"), HERE)
    print("".join(f"{problem}\n" for problem in problems), end="")
    return not problems


def check_usage(fix):
    """Whether the declarations agree with the code; what does not is printed, or corrected."""
    declarations = parameters.load(HERE)
    unread, working = usage.disagreements(declarations, HERE.parent / "src")
    undeclared = usage.undeclared(declarations)
    if fix:
        usage.correct(HERE, unread, working)
    for parameter in unread:
        print(f"{parameter.name} ({parameter.area}.toml): nothing reads it; it is planned")
    for parameter in working:
        print(f"{parameter.name} ({parameter.area}.toml): it is read; it is not {parameter.status} any more")
    for name in undeclared:
        print(f"{name}: Postfix has it (postfix-names.txt), and nothing in declare/parameters declares it")
    tests = tested.tests_of(declarations, HERE.parent)
    untested = sorted(name for name, found in tests.items() if not found)
    for name in untested:
        print(f"{name}: it is honoured, and no test sets it to something else than its default (declare/tested.py)")
    print(f"{len(tests)} honoured parameters, {len(tests) - len(untested)} with a test")
    return (fix or not (unread or working)) and not (undeclared or untested)


def main(arguments):
    try:
        match arguments:
            case ["layers", output]:
                layers(output)
            case ["param", output]:
                param(output)
            case ["usage"] | ["usage", "--fix"]:
                return 0 if check_usage(fix="--fix" in arguments) else 1
            case ["manuals"]:
                return 0 if check_manuals() else 1
            case ["man", output]:
                man(output)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except parameters.DeclarationError as error:
        print(f"generate.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
