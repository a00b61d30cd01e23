"""Addresses that course.yml names: a video of YouTube, a repository of GitHub, a moment."""

import re
from urllib.parse import parse_qs, urlsplit

from lecture_utils.authoring import maps

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_NO_ID = ("videoseries", "live_stream")  # eleven letters, too, but a playlist and a channel
_SITES = ("youtube.com", "youtube-nocookie.com")
_FOLDERS = ("embed", "live", "shorts", "v")  # .../embed/ID
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9]|[-_](?=[A-Za-z0-9])){0,38}"
_REPOSITORY = re.compile(
    r"(?:(?:https?://|ssh://)?(?:git@|www\.)?github\.com[/:])?"
    rf"(?P<owner>{_OWNER})/(?P<name>[A-Za-z0-9._-]{{1,100}}?)(?:\.git)?/?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:(?P<h>\d{1,2}):(?=\d\d:))?(?P<m>\d{1,3}):(?P<s>[0-5]\d)", re.ASCII)
_UNITS = re.compile(r"(?:(?P<h>\d{1,2})h)?(?:(?P<m>\d{1,3})m)?(?:(?P<s>\d{1,5})s)?", re.ASCII)


def video(place: maps.Place) -> str:
    """Return the id of a video: of a bare id, or of any of YouTube's addresses of one video.

    Raises:
        ValueError: it is another site's address, or a playlist, a channel, or no id.
    """
    said = maps.raw(place)
    found = said if _ID.fullmatch(said) else _id_of(said)
    if not _ID.fullmatch(found) or found in _NO_ID:
        raise place.refuse(
            "a video of YouTube is expected here: its eleven characters, such as 2r0QahNdwMw, or "
            "its address, such as https://youtu.be/2r0QahNdwMw"
        )
    return found


def _id_of(address: str) -> str:
    """Return what stands at an id's place in an address; "" where there is no such place."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host = (parts.hostname or "").lower()
    except ValueError:  # half an IPv6 address, say
        return ""
    if parts.scheme not in ("http", "https"):
        return ""
    folders = [folder for folder in parts.path.split("/") if folder]
    if host in ("youtu.be", "www.youtu.be") and len(folders) == 1:
        return folders[0]
    if not any(host == site or host.endswith(f".{site}") for site in _SITES):
        return ""
    if folders == ["watch"]:
        ids = set(parse_qs(parts.query).get("v", []))
        return ids.pop() if len(ids) == 1 else ""
    return folders[1] if len(folders) == 2 and folders[0] in _FOLDERS else ""


def repository(place: maps.Place) -> str:
    """Return "owner/name" of a repository on GitHub, "" where none is named yet.

    Raises:
        ValueError: it is another site's address, or a page inside a repository.
    """
    said = "" if place.is_nothing() else maps.raw(place)
    if not said:
        return ""
    found = _REPOSITORY.fullmatch(said)
    if not found or found["name"] in (".", "..", ".git") or found["owner"].lower() == "github.com":
        raise place.refuse(
            "a repository on GitHub is expected here: owner/name or its address, or empty while "
            "there is none"
        )
    return f"{found['owner']}/{found['name']}"


def seconds(place: maps.Place) -> int:
    """Return a moment of a video in seconds: of 596, 9:56, 1:02:03, 596s or 9m56s.

    Raises:
        ValueError: it is none of these.
    """
    said = maps.raw(place)
    whole = said.removesuffix(".0")
    if whole.isascii() and whole.isdigit() and len(whole) <= 6:
        return int(whole)
    found = _CLOCK.fullmatch(said) or (_UNITS.fullmatch(said) if said else None)
    if not found or (found["h"] and int(found["m"] or 0) > 59):
        raise place.refuse(
            "a moment of the video is expected here: its second, such as 596, or its minute, such "
            "as 9:56 or 1:02:03"
        )
    return sum(int(found[unit] or 0) * size for unit, size in (("h", 3600), ("m", 60), ("s", 1)))


def time_of_day(place: maps.Place) -> str:
    """Return a time of day as "09:00", of 9:00 or "09:00".

    Raises:
        ValueError: it is anything else, such as 25:00.
    """
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", maps.raw(place), re.ASCII)
    if not found:
        raise place.refuse('a time of day is expected here, from "00:00" to "23:59"')
    return f"{int(found[1]):02}:{found[2]}"
