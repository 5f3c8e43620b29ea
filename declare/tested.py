"""Finds the honoured parameters that no test sets. What counts as setting one: in a test of test/system or test/compat a
keyword argument or a key of a dictionary of that name, or a text with `name = value` in it (main.cf, -o options); in a
*_test.cc a string with `name = value`; each with a value that is not the default. Comments, documentation strings, and
what stands in test/support for all instances do not count. Neither do the tests of main.cf's syntax and of postconf,
which only show that a value can be read and printed, and what makes records (record.py).

That such a test shows what the parameter does is more than can be seen in its text.
"""
import ast
import re

ONLY_READS = ("src/config/check_", "src/config/config_", "src/config/defaults_", "src/config/edit_", "src/config/expand_",
              "src/config/main_cf_", "src/config/master_cf_", "src/command/postconf/", "test/compat/postconf/")
ONLY_READ_BY = {"postconf"}      # commands whose arguments set nothing
HOLE = "\0"                      # in place of what an f-string computes
CPP_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((.*?)\)"|"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\\n]|\\.)+\'', re.S)
SETTING = re.compile(r"(?:^|[\n{]|-o)[ \t]*([A-Za-z0-9_]+)[ \t]*=[ \t]*([^\n]*)", re.M)


class _Settings(ast.NodeVisitor):
    """Collects (name, value, function) of one Python file: the value is None where it is computed, the function the
    outermost one around the setting, "" outside of all."""

    def __init__(self):
        self.found = []
        self.function = ""

    def _add(self, settings):
        self.found += [(name, value, self.function) for name, value in settings]

    def visit_FunctionDef(self, node):
        outer, self.function = self.function, self.function or node.name
        self.generic_visit(node)
        self.function = outer

    def visit_Call(self, node):
        if any(isinstance(argument, ast.Constant) and argument.value in ONLY_READ_BY for argument in node.args):
            return
        self._add((keyword.arg, _value(keyword.value)) for keyword in node.keywords if keyword.arg)
        self.generic_visit(node)

    def visit_Dict(self, node):
        self._add((key.value, _value(value)) for key, value in zip(node.keys, node.values)
                  if isinstance(key, ast.Constant) and isinstance(key.value, str))
        self.generic_visit(node)

    def visit_Expr(self, node):
        if not isinstance(node.value, ast.Constant):         # a documentation string is no setting
            self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self._add(SETTING.findall(node.value))

    def visit_JoinedStr(self, node):
        self._add(SETTING.findall("".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)


def _value(node):
    """The text of a constant as main.cf would have it; None for what is computed."""
    if not isinstance(node, ast.Constant):
        return None
    return {True: "yes", False: "no"}[node.value] if isinstance(node.value, bool) else str(node.value)


def _settings_of_python(text):
    visitor = _Settings()
    visitor.visit(ast.parse(text))
    return visitor.found


def _settings_of_cpp(text):
    strings = (match[1] if match[1] is not None else (match[2] or "").replace("\\n", "\n")
               for match in CPP_STRING.finditer(text))
    return [(name, value, "") for string in strings for name, value in SETTING.findall(string)]


def _test_files(root):
    paths = [*(root / "test/system").rglob("*.py"), *(root / "test/compat").rglob("*.py"), *(root / "src").rglob("*_test.cc")]
    return [path for path in sorted(paths)
            if path.name != "record.py" and not str(path.relative_to(root)).startswith(ONLY_READS)]


def tests_of(declarations, root):
    """{name: [(file, function)]} for each honoured parameter that can be set: the tests that set it to something else
    than its default. The function is "" where the setting stands outside of all, and in C++."""
    defaults = {p.name: p.default for p in declarations.parameters if p.status == "working" and not p.read_only}
    found = {name: [] for name in defaults}
    for path in _test_files(root):
        settings = (_settings_of_python if path.suffix == ".py" else _settings_of_cpp)(path.read_text())
        for name, value, function in settings:
            if name in defaults and (value is None or " ".join(value.split()) != defaults[name]):
                if (path, function) not in found[name]:
                    found[name].append((path, function))
    return found
