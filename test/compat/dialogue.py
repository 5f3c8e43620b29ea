"""Holds an SMTP dialogue of smtpd_scenarios.py with an instance and writes down what came back."""
import re

from normalise import normalise
from smtpd_scenarios import CONNECT, SCENARIOS

from support import Client, Instance
from support.smtp_client import Disconnected


def readable(step):
    """A step as the record shows it: long runs of one letter are shortened."""
    if isinstance(step, list):
        return [readable(line) for line in step]
    text = step.decode("latin-1") if isinstance(step, bytes) else step
    return re.sub(r"((.{1,80}?)\2{29,})", lambda match: f"{match[2]}*{len(match[1]) // len(match[2])}", text, flags=re.S)


def _replies(client, count):
    lines = []
    for _ in range(count):
        try:
            lines += client.reply_lines()
        except (Disconnected, OSError):
            lines.append("<closed>")
            break
    return [normalise(line) for line in lines]


def hold(name, make_instance=Instance, **more):
    """Runs scenario `name` against a new instance; the record is a list of {"send": ..., "reply": [...]}."""
    settings, steps = SCENARIOS[name]
    instance = make_instance(**settings, **more)
    clients = []
    try:
        instance.start()
        clients.append(Client(instance.smtp_port, ehlo=None))
        record = [{"send": CONNECT, "reply": _replies(clients[-1], 1)}]
        for step in steps:
            if record[-1]["reply"] and record[-1]["reply"][-1] == "<closed>":
                break
            record.append({"send": readable(step), "reply": _take(step, clients, instance)})
        return record
    finally:
        for client in clients:
            client.close()
        instance.close()


def _take(step, clients, instance):
    if step == CONNECT:
        clients.append(Client(instance.smtp_port, ehlo=None))
        return _replies(clients[-1], 1)
    lines = step if isinstance(step, list) else [step]
    try:
        clients[-1].send(b"".join(line if isinstance(line, bytes) else line.encode("latin-1") + b"\r\n" for line in lines))
    except OSError:
        return ["<closed>"]
    return _replies(clients[-1], len(lines))
