"""What a file is, told by its first bytes, so that a refusal names the way out; writing one."""

import contextlib
import errno
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

_HEAD = 1024  # bytes that are looked at
_UNPACK = "unpack it first"
PICKLE = "a pickle, as torch.save writes it; it is never opened here, since it could run programs"
# What a file begins with, what it then is, and the way out, where that is the same for all uses.
_BEGINNINGS: Sequence[tuple[bytes, str, str | None]] = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as TensorFlow writes it", None),
    (b"GGUF", "a GGUF file, as llama.cpp reads it", None),
    (b"\x93NUMPY", "a NumPy array", None),
    (b"SQLite format 3\0", "an SQLite database", None),
    (b"PAR1", "a Parquet table", None),
    (b"ARROW1", "an Arrow table", None),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", None),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", None),
    (b"\xff\xd8\xff", "a JPEG picture", None),
    (b"GIF87a", "a GIF picture", None),
    (b"GIF89a", "a GIF picture", None),
    (b"RIFF", "a sound, a film or a picture", None),
    (b"ID3", "a sound", None),
    (b"OggS", "a sound", None),
    (b"\x7fELF", "a program", None),
)
# What begins so is no text for a reader, although its bytes may be letters.
_LETTERS: Sequence[tuple[bytes, str, str | None]] = (
    (
        b"version https://git-lfs",
        "a pointer of large-file storage (Git LFS), without the file itself",
        "fetch it: git lfs pull",
    ),
    (b"%PDF-", "a PDF", None),
    (b"%!PS-", "a PostScript file", None),
    (b"{\\rtf", "an RTF document", None),
)


def kind_in_letters(head: bytes) -> tuple[str, str | None] | None:
    """Say what a file is that looks like a text and is none, and the way out; None if a text."""
    found = (rest for beginning, *rest in _LETTERS if head.startswith(beginning))
    return next(map(tuple, found), None)


def kind_of(head: bytes, path: Path | None = None) -> tuple[str, str | None] | None:
    """Say what a file is that begins with these bytes, and the way out; None if it is not known.

    Meant for a file that could not be read as what it should be: a few kinds are told by two
    bytes, with which other files may begin, too.

    Args:
        head: the first bytes, at least 512 if the file has them.
        path: the file, to tell what is in a zip archive.
    """
    for beginning, kind, way in (*_LETTERS, *_BEGINNINGS):
        if head.startswith(beginning):
            return kind, way
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "a bzip2 archive", _UNPACK
    if head[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return PICKLE, None
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "a page of the web", None
    return None


def _zip(path: Path | None) -> tuple[str, str | None]:
    if path is None:
        return "a zip archive", _UNPACK
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        names = []
    if any(name.endswith("data.pkl") for name in names):
        return PICKLE, None
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays (.npz)", None
    if "[Content_Types].xml" in names:
        return "an Office document", None
    return "a zip archive", _UNPACK


def require_path(path: object, what: str) -> Path:
    """Return a path, with ~ for the home folder.

    Raises:
        ValueError: it is no path, is empty, or holds a NUL character.
    """
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise ValueError(f"path must be the path of {what}; got {type(path).__name__}")
    text = os.fspath(path)
    if not text.strip() or "\0" in text:
        raise ValueError(f"path must be the path of {what}; got {text[:80]!r}")
    return Path(os.path.expanduser(text))


def read_bytes(path: Path, most: int = -1) -> bytes:
    """Return what a file holds, or its first bytes.

    Raises:
        ValueError: the system refuses to read it.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error


def head_of(path: Path) -> bytes:
    """Return a file's first bytes, enough for `kind_of`.

    Raises:
        ValueError: the system refuses to read it.
    """
    return read_bytes(path, _HEAD)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file, or a folder of files, whole or not at all.

    It is written beside its place, under a name that begins with ".part-", brought to the disk,
    and then renamed: at no time does half of it stand at `path`, and what stood there before is
    replaced in one step. After an error or an interruption the part is removed.

    Args:
        path: where it is to stand. A file there is replaced, a folder only if it is empty; a link
            is followed.
        write: makes a file or a folder at the path that it is given.

    Raises:
        FileNotFoundError: there is no folder to write it into.
        OSError: the system refuses, as when the disk is full; the message says why.
    """
    place = Path(os.path.realpath(path))
    part = place.with_name(f".part-{secrets.token_hex(8)}")
    try:
        if place.exists() and not (place.is_file() or place.is_dir()):
            raise OSError("a device or a pipe stands there")
        write(part)
        _to_disk(part)
        if part.is_dir() and place.is_dir():
            place.rmdir()  # only if it is empty
        os.replace(part, place)
    except (OSError, RuntimeError) as error:
        # torch.save turns a full disk into a RuntimeError, in whose context the cause is kept
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        raise _not_written(place, cause) from error
    finally:
        _remove(part)
    _to_disk(place.parent, within=False)


def _to_disk(path: Path, *, within: bool = True) -> None:
    """Have the system bring a file, or a folder and what is in it, from its memory to the disk."""
    if not path.is_dir():
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
        return
    for inner in path.iterdir() if within else ():
        _to_disk(inner)
    with contextlib.suppress(OSError):  # not every system lets a folder be opened
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _not_written(place: Path, cause: OSError) -> OSError:
    """Say what was not written, why, and that nothing is lost."""
    if not place.parent.is_dir():
        return FileNotFoundError(
            f"{place} was not written: there is no folder {place.parent}; make it first, or choose "
            f"another"
        )
    reason = cause.strerror or str(cause)
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = "the disk is full; make room, or write to another disk"
    elif cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        reason = f"writing in {place.parent} is not allowed; choose another folder"
    elif cause.errno == errno.EFBIG:
        reason = "it is larger than a file may be there; write to another disk"
    former = "what stood there is as it was" if os.path.lexists(place) else "nothing is left of it"
    return OSError(f"{place} was not written: {reason}; {former}")
