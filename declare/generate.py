#!/usr/bin/python3
"""Makes everything that is derived from the declarations. Output goes to the build folder only.

usage: generate.py layers OUTPUT.cmake
"""
import pathlib
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent


def write_if_changed(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def layers(output):
    """layers.cmake: LAYERS in order, LAYER_<name> and EXTERNAL_<name> lists."""
    data = tomllib.loads((HERE / "layers.toml").read_text())
    lines = ["# Generated from declare/layers.toml.", f"set(LAYERS {' '.join(data['layers'])})"]
    for name, below in data["layers"].items():
        lines.append(f"set(LAYER_{name} {' '.join(below)})")
        lines.append(f"set(EXTERNAL_{name} {' '.join(data['external'].get(name, []))})")
    write_if_changed(output, "\n".join(lines) + "\n")


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "layers":
        layers(arguments[1])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
