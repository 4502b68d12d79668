"""What the wheel holds beside the package: analysis/, configs/, jobs/ and examples/, as data below esmaml_mpi/shipped/.

Everything else about the project is in pyproject.toml. In a checkout these folders are found where they are, beside the
package (esmaml_mpi/commands/shipped.py).
"""

import shutil
from pathlib import Path
from typing import ClassVar

from setuptools import Command, Extension, setup
from setuptools.command.build import build

# Folder -> what of it is of use where there is no checkout.
SHIPPED = {
    "analysis": ("*.py", "*/*.py", "page.js"),
    "configs": ("*.toml", "recommended/*.toml"),
    "jobs": ("*.slurm", "batch.sh", "keepalive.sh", "watch_nodes.py", "site.example.sh", "stage.sh"),
    "examples": ("*.py", "*.toml", "meta_world/*.py", "meta_world/*.toml"),
}


class Ship(Command):
    """Copies the folders into the package that is being built; an editable install needs no copies."""

    description = "copy the folders that the wheel holds beside the package"
    user_options: ClassVar[list] = []
    editable_mode = False  # set by setuptools

    def initialize_options(self) -> None:
        self.build_lib = None

    def finalize_options(self) -> None:
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    def run(self) -> None:
        if self.editable_mode:
            return
        shutil.rmtree(Path(self.build_lib, "esmaml_mpi", "shipped"), ignore_errors=True)  # of an older build
        for target, source in self.get_output_mapping().items():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def get_source_files(self) -> list[str]:
        """Paths below this folder; they are part of the source archive too."""
        found = {
            folder: sorted(path.as_posix() for pattern in patterns for path in Path(folder).glob(pattern))
            for folder, patterns in SHIPPED.items()
        }
        missing = [folder for folder, paths in found.items() if not paths]
        if missing:
            raise SystemExit(f"a wheel needs the files of {', '.join(missing)} beside setup.py; they are not there.")
        return [path for paths in found.values() for path in paths]

    def get_output_mapping(self) -> dict[str, str]:
        """Path in the build -> path below this folder."""
        return {str(Path(self.build_lib, "esmaml_mpi", "shipped", path)): path for path in self.get_source_files()}

    def get_outputs(self) -> list[str]:
        """Paths in the build."""
        return list(self.get_output_mapping())


build.sub_commands = [*build.sub_commands, ("ship", None)]

SOURCE = Path("esmaml_mpi", "native", "source")
# Without a C compiler the package is whole and slower. Products must not be fused with sums: see native/elementary.py.
KERNELS = Extension(
    "esmaml_mpi.native._kernels",
    sources=sorted(path.as_posix() for path in SOURCE.glob("*.c")),
    depends=sorted(path.as_posix() for path in SOURCE.glob("*.h")),
    extra_compile_args=["-std=c99", "-O3", "-ffp-contract=off", "-fno-fast-math", "-g0"],
    py_limited_api=True,  # one binary for Python 3.11 and later
    optional=True,
)

setup(cmdclass={"ship": Ship}, ext_modules=[KERNELS], options={"bdist_wheel": {"py_limited_api": "cp311"}})
