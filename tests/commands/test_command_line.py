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


@pytest.mark.parametrize("option", ["--output=", "--modules="])
def test_an_empty_value_is_not_as_if_nothing_was_said(capsys, option):
    with pytest.raises(SystemExit) as exit:
        cli.main(["train", "x.toml", option])
    assert exit.value.code == 2
    assert f"argument {option[:-1]}: it is empty, and a value is wanted" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["sweep", "x.toml"], ["sweep", "x.toml", "--launcher", ""], ["submit", "x.toml"]])
def test_an_option_that_is_empty_where_it_is_not_given_may_be_empty(line):
    assert "" in vars(cli.make_parser(line[0]).parse_args(line)).values()


def test_modules_in_a_folder_that_is_not_there_are_refused_before_the_run(tmp_path, capsys):
    (tmp_path / "run.toml").write_text("[meta]\niterations = 1")
    missing = tmp_path / "missing"
    assert cli.main(["train", str(tmp_path / "run.toml"), "--modules", str(missing), "--output", "x.h5"]) == 2
    assert f"--modules {missing}: there is no such folder" in capsys.readouterr().err


def test_every_command_and_argument_is_explained():
    (commands,) = (each for each in cli.make_parser()._actions if isinstance(each, argparse._SubParsersAction))
    assert {each.dest for each in commands._choices_actions if each.help} == set(commands.choices)
    for name, command in commands.choices.items():
        assert command.description, name
        assert all(action.help for action in command._actions), name
