"""The page on commands, from the parsers themselves."""

import argparse

from pieces import code, prose, table

from esmaml_mpi.commands.main import make_parser

INTRODUCTION = """\
Every command has `--help` with the same. `train`, `evaluate` and `sweep --index` are carried out by all ranks that
`mpirun` or `srun` starts; the others are one process."""


def page() -> str:
    """The whole page."""
    parser = make_parser()
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    helps = {each.dest: each.help for each in commands._choices_actions}
    parts = ["# Commands", prose(parser.description), prose(parser.epilog), INTRODUCTION]
    parts.append(table(["command", ""], [[f"[{name}](#{name})", helps[name]] for name in commands.choices], raw=1))
    for name, command in commands.choices.items():
        parts += [f"## {name}", f"```text\n{_usage(name, command)}\n```"]
        parts += [prose(command.description or f"{helps[name].capitalize()}.")]
        rows = [[code(_form(each)), each.help % {"default": each.default}] for each in _arguments(command)]
        parts += [table(["argument", "meaning"], rows), prose(command.epilog or "")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in command._actions if not isinstance(each, argparse._HelpAction)]


def _form(action: argparse.Action) -> str:
    """As it is written on the command line."""
    name = ", ".join(action.option_strings)
    return " ".join(each for each in (name, _metavar(action)) if each)


def _metavar(action: argparse.Action) -> str:
    return "" if action.nargs == 0 else str(action.metavar)


def _usage(name: str, command: argparse.ArgumentParser) -> str:
    """One line, as `esmaml info RESULTS [--json | --config]`."""
    exclusive = {id(each): group for group in command._mutually_exclusive_groups for each in group._group_actions}
    words, told = [], set()
    for action in sorted(_arguments(command), key=lambda each: bool(each.option_strings)):
        group = exclusive.get(id(action))
        if group is None:
            words.append(_word(action))
        elif id(group) not in told:
            told.add(id(group))
            words.append("[" + " | ".join(map(_form, group._group_actions)) + "]")
    return " ".join([f"esmaml {name}", *words])


def _word(action: argparse.Action) -> str:
    form = _form(action)
    if action.nargs == "+":
        return f"{form}..."
    if action.required:
        return form
    return f"[{form}]..." if isinstance(action, argparse._AppendAction) else f"[{form}]"
