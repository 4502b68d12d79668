"""The page on commands, from the parsers themselves."""

import argparse

from pieces import code, prose, table

from esmaml_mpi.commands.main import make_parser
from esmaml_mpi.commands.scripts import load

INTRODUCTION = """\
`--help` of each command says the same. All ranks that `mpirun` or `srun` starts share `train`, `tune`, `evaluate` and
`sweep --index`. The other commands are one process."""
COLUMNS = 84  # of usage; the site's pages have room for no more
SCRIPT = "The same as `python analysis/{}.py` in a checkout."


def page() -> str:
    """The whole page."""
    parser = make_parser()
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    helps = {each.dest: each.help for each in commands._choices_actions}
    parts = ["# Commands", prose(parser.description), prose(parser.epilog), INTRODUCTION]
    parts.append(table(["command", ""], [[f"[{name}](#{name})", helps[name]] for name in commands.choices], raw=1))
    for name, command in commands.choices.items():
        scripts = command.get_default("scripts") or {}
        parts.append(f"## {name}")
        if len(scripts) != 1:
            parts += _section(f"esmaml {name}{' NAME ARGUMENTS...' * bool(scripts)}", command)
        for program, script in scripts.items():
            if len(scripts) > 1:
                parts.append(f"### {program.removeprefix('esmaml ')}")
            parts += [*_section(program, load(script, program).make_parser()), SCRIPT.format(script)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(program: str, command: argparse.ArgumentParser) -> list[str]:
    """Usage, description and arguments of one command."""
    rows = [[code(_form(each)), each.help % {"default": each.default}] for each in _arguments(command)]
    return [
        f"```text\n{_usage(program, command)}\n```",
        prose(command.description),
        table(["argument", "meaning"], rows) if rows else "",
        prose(command.epilog),
    ]


def _arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in command._actions if not isinstance(each, argparse._HelpAction)]


def _form(action: argparse.Action) -> str:
    """As it is written on the command line."""
    name = ", ".join(action.option_strings)
    return " ".join(each for each in (name, _metavar(action)) if each)


def _metavar(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return str(action.metavar) if action.metavar else "{" + ",".join(map(str, action.choices)) + "}"


def _usage(program: str, command: argparse.ArgumentParser) -> str:
    """As `esmaml info RESULTS [--json | --config]`, on as many lines as it takes."""
    exclusive = {id(each): group for group in command._mutually_exclusive_groups for each in group._group_actions}
    words, told = [], set()
    for action in sorted(_arguments(command), key=lambda each: bool(each.option_strings)):
        group = exclusive.get(id(action))
        if group is None:
            words.append(_word(action))
        elif id(group) not in told:
            told.add(id(group))
            words.append("[" + " | ".join(map(_form, group._group_actions)) + "]")
    lines = [program]
    for word in words:  # no argument is broken
        if len(lines[-1]) + 1 + len(word) <= COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}")
    return "\n".join(lines)


def _word(action: argparse.Action) -> str:
    form = _form(action)
    if action.nargs in ("+", "*"):
        form += "..."
    if action.required and action.nargs != "*":
        return form
    return f"[{form}]..." if isinstance(action, argparse._AppendAction) else f"[{form}]"
