"""What the command line says of misspelt commands and options, and that its help is whole."""

import argparse
import re

import pytest

from esmaml_mpi.commands import main as cli


@pytest.mark.parametrize(
    "line, said",
    [
        ("trian x.toml", "invalid choice: 'trian' .* Did you mean 'train'"),
        ("xyz", "invalid choice: 'xyz' .*'config'\\)\n"),
        ("train x.toml --out y.h5", "esmaml train: error: .* --out y.h5. Did you mean '--output'"),
        ("train x.toml --overwite", "esmaml train: error: .* --overwite. Did you mean '--overwrite'"),
        ("export x.h5 --tensorbord=runs", "unrecognized arguments: --tensorbord=runs. Did you mean '--tensorboard'"),
    ],
)
def test_the_nearest_command_or_option_is_named(capsys, line, said):
    with pytest.raises(SystemExit) as exit:
        cli.main(line.split())
    error = capsys.readouterr().err
    assert exit.value.code == 2
    assert re.search(said, error), error


def test_every_command_and_argument_is_explained():
    (commands,) = (each for each in cli.make_parser()._actions if isinstance(each, argparse._SubParsersAction))
    assert {each.dest for each in commands._choices_actions if each.help} == set(commands.choices)
    for name, command in commands.choices.items():
        assert command.description, name
        assert all(action.help for action in command._actions), name
