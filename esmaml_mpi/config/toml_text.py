"""TOML text, and what is wrong with it in one line."""

from os import PathLike

from esmaml_mpi.errors import ConfigError

MOST_BYTES = 2**24  # of a configuration file: no more is read of something that is none, a device for example


def read_text(source: str | PathLike) -> str:
    try:
        with open(source, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ConfigError(f"cannot read configuration {str(source)!r}: {getattr(error, 'strerror', error)}.") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"cannot read configuration {str(source)!r}: it has more than {MOST_BYTES} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read configuration {str(source)!r}: it is not text in UTF-8 ({error}).") from error


def read_toml(text: str, name: str) -> dict:
    import tomllib  # rank 0 alone reads TOML

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}.") from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, or as many brackets
        reason = "brackets are nested too deeply" if isinstance(error, RecursionError) else "an integer is too long"
        raise ConfigError(f"{name} is not valid TOML: {reason}.") from error
