"""Where an export lies: a folder of files, or one zip file. Both are read and written as streams."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Protocol
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["Archive", "new_archive", "opened_archive"]


class Archive(Protocol):
    """Named files, written once each, one after the other."""

    path: Path

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file for writing."""
        ...

    def reading(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading; `FileNotFoundError` if there is none."""
        ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        with open(self.path / name, "xb", opener=_private) as file:
            yield file

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        with (self.path / name).open("rb") as file:
            yield file


class _Zip:
    def __init__(self, path: Path, zipped: ZipFile) -> None:
        self.path = path
        self._zipped = zipped

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        with self._zipped.open(name, "w", force_zip64=True) as file:
            yield file

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        try:
            file = self._zipped.open(name)
        except KeyError:
            raise FileNotFoundError(name) from None
        with file:
            yield file


@contextmanager
def new_archive(path: Path) -> Iterator[Archive]:
    """Make an export at `path`: one zip file if it ends in ``.zip``, else a folder. It appears whole or not at all.

    Only its owner can read it: what it holds is what the database holds. `InputError` if there is something already.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise fault(InputError, "export.exists", path=path)
    beside = path.with_name(f".{path.name}.part")
    if path.suffix == ".zip":
        with open(beside, "wb", opener=_private) as file:
            with ZipFile(file, "w", ZIP_DEFLATED) as zipped:
                yield _Zip(path, zipped)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield _Folder(path)


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open an export that `new_archive` made; `NotFoundError` if nothing is there, `InputError` if it is none."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        zipped = ZipFile(path)
    except FileNotFoundError:
        raise fault(NotFoundError, "found.no_file", path=path) from None
    except BadZipFile:
        raise fault(InputError, "export.no_export", path=path) from None
    with zipped:
        yield _Zip(path, zipped)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
