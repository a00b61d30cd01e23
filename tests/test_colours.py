"""Figure colours: text is readable, and lines stay apart for readers with colour-vision deficiency.

The simulations are Machado, Oliveira and Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1,
applied to linear RGB. Distances are CIE 1976 colour differences.
"""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lecture_utils import plots
from lecture_utils.models import PLACEMENTS

PALETTE = {
    name: getattr(plots, name)
    for name in ("PLAIN", "SHORTCUT", "THEORY", "GREEN", "PURPLE", "ORANGE", "SKY")
}
MACHADO = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
          [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip


def linear(colour):
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* of linear RGB, D65."""
    ratio = (TO_XYZ @ rgb) / (TO_XYZ @ np.ones(3))
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, vision):
    seen = [np.clip(np.array(MACHADO[vision]) @ linear(colour), 0, 1) for colour in (one, other)]
    return float(np.linalg.norm(lab(seen[0]) - lab(seen[1])))


def test_the_distance_is_the_known_one():
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=1e-6)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    for matrix in MACHADO.values():  # white stays white
        assert np.array(matrix) @ np.ones(3) == pytest.approx(np.ones(3), abs=2e-6)


@pytest.mark.parametrize("name", PALETTE)
def test_text_in_every_palette_colour_is_readable(name):
    luminance = linear(plots.ink(PALETTE[name])) @ [0.2126, 0.7152, 0.0722]
    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2.2, AA


# Two large fields are just told apart at 2.3 (Mahy et al. 1994, doi:10.1002/col.5080190105). Thin
# lines need several times as much (Szafir 2018, doi:10.1109/TVCG.2017.2744359), and a projector
# takes some away: six times. Plain against shortcut is the one difference that every figure rests
# on: thirty times.
JUST_TOLD_APART = 2.3


@pytest.mark.parametrize("vision", MACHADO)
def test_any_two_colours_stay_apart(vision):
    for (one, a), (other, b) in combinations(PALETTE.items(), 2):
        found = distance(a, b, vision)
        assert found > 6 * JUST_TOLD_APART, f"{one} and {other}: {found:.1f} with {vision}"


@pytest.mark.parametrize("vision", MACHADO)
def test_plain_and_shortcut_are_far_apart(vision):
    assert distance(plots.PLAIN, plots.SHORTCUT, vision) > 30 * JUST_TOLD_APART


def test_red_and_green_would_not_do():
    assert distance("#8B4513", "#3B7A1E", "none") > 6 * JUST_TOLD_APART
    assert distance("#8B4513", "#3B7A1E", "deuteranopia") < 6 * JUST_TOLD_APART


def test_each_place_of_the_norm_has_a_colour_and_a_line_of_its_own():
    assert set(plots.PLACEMENTS) == set(PLACEMENTS)
    colours, lines = zip(*plots.PLACEMENTS.values(), strict=True)
    assert len(set(colours)) == len(set(lines)) == len(plots.PLACEMENTS)
    assert plots.PLAIN not in colours
