"""What a check finds."""

from dataclasses import dataclass

GOOD, MISSING, FAILED = "good", "missing", "failed"


@dataclass(frozen=True)
class Outcome:
    """``verdict`` about ``what``, with what to do about it where it is not good.

    ``missing`` is not there and need not be; ``failed`` is there and does not work.
    """

    verdict: str
    what: str
    advice: str = ""
    output: str = ""  # of what failed

    def __str__(self) -> str:
        """Lines for a terminal."""
        said = [f"          | {line}" for line in self.output.splitlines()[-12:]]
        return "\n".join(
            [f"{self.verdict:8}  {self.what}", *([f"          {self.advice}"] if self.advice else []), *said]
        )
