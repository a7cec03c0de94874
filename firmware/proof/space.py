"""Exact affine forms over atoms, in one normal form: two values are shown equal by being written alike.

An *atom* is an input word, the largest of some forms, or a function (table) of one primitive integer form ``M`` over
smaller atoms. A form holds at most one function of each ``M``: two are added up into one. A function that is affine in
``M`` is written out, and any other is brought to start at 0, to rise at its first change, and to share no common
factor. So a value has one name, in whatever order and with whatever pieces it was computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

from firmware.proof.atoms import Atom, Form, Group, Key, TooLarge, is_identity, normalised
from firmware.proof.functions import Function, TooWide, combine

__all__ = ["Space"]

_MAX_PIECES = 1 << 21


class Space:
    """All atoms and groups of a proof.

    Parameters
    ----------
    point_limit : int
        Ranges up to this many integers are looked at point by point; wider ones in pieces.
    forced : collection of keys
        Ranges that are looked at point by point however wide.
    """

    def __init__(self, point_limit: int, forced: Iterable[Key] = ()) -> None:
        self.atoms: list[Atom] = []
        self.groups: list[Group] = []
        self.frozen = False
        """Whether groups must keep their pieces."""
        self._point_limit = point_limit
        self._forced = frozenset(forced)
        self._group_of: dict[Key, int] = {}
        self.maxima: dict[tuple[object, ...], int] = {}
        """Atoms that are the largest of some forms, by those forms."""

    # Forms

    def constant(self, word: int, exponent: int = 0) -> Form:
        """A number."""
        return Form(exponent, word, {}, word, word)

    def variable(self, low: int, high: int, label: str) -> Form:
        """A new atom that is no function of others."""
        if low == high:
            return self.constant(low)
        return self.form(0, 0, {(slot := -len(self.atoms) - 1): (self.new_atom(slot, low, high, label), 1)})

    def combine(self, parts: Sequence[tuple[Form, int, int]]) -> Form:
        """Sum of ``factor * 2**shift * form``."""
        exponent = min(form.exponent + shift for form, _, shift in parts)
        constant = 0
        terms: dict[int, tuple[int, int]] = {}
        clashes: dict[int, list[tuple[int, int]]] = {}
        for form, factor, shift in parts:
            scale = factor << (form.exponent + shift - exponent)
            if not scale:
                continue
            constant += form.constant * scale
            for slot, (atom, coefficient) in form.terms.items():
                new = coefficient * scale
                old = terms.get(slot)
                if old is None:
                    terms[slot] = atom, new
                elif old[0] == atom:
                    terms[slot] = atom, old[1] + new
                else:
                    clashes.setdefault(slot, []).append((atom, new))
        merged = [
            self.named(slot, combine([(self.table(atom), factor) for atom, factor in [terms.pop(slot), *others]]))
            for slot, others in clashes.items()
        ]
        form = self.form(exponent, constant, {slot: term for slot, term in terms.items() if term[1]})
        if merged:
            return self.combine([(form, 1, 0), *((part, 1, exponent) for part in merged)])
        return self._collapsed(form)

    def equal(self, one: Form, other: Form) -> bool:
        """Whether two forms are written alike."""
        if one.exponent > other.exponent:
            one, other = other, one
        scale = other.exponent - one.exponent
        if one.constant != other.constant << scale or one.terms.keys() != other.terms.keys():
            return False
        return all(
            (atom, coefficient) == (other.terms[slot][0], other.terms[slot][1] << scale)
            for slot, (atom, coefficient) in one.terms.items()
        )

    def same_sign(self, one: Form, other: Form) -> bool:
        """Whether one varying form is a positive multiple of another."""
        factors = [gcd(form.constant, *(c for _, c in form.terms.values())) for form in (one, other)]
        return (
            0 not in factors
            and one.terms.keys() == other.terms.keys()
            and (
                one.constant // factors[0] == other.constant // factors[1]
                and all(
                    (atom, c // factors[0]) == (other.terms[slot][0], other.terms[slot][1] // factors[1])
                    for slot, (atom, c) in one.terms.items()
                )
            )
        )

    def aligned(self, form: Form, exponent: int) -> Form:
        """The form in units of ``2**exponent``, which must hold it exactly."""
        scale = form.exponent - exponent
        if scale == 0:
            return form
        if scale > 0:
            terms = {slot: (atom, coefficient << scale) for slot, (atom, coefficient) in form.terms.items()}
            return Form(exponent, form.constant << scale, terms, form.low << scale, form.high << scale)
        assert self.multiple_of(form, exponent)
        terms = {slot: (atom, coefficient >> -scale) for slot, (atom, coefficient) in form.terms.items()}
        return Form(exponent, form.constant >> -scale, terms, form.low >> -scale, form.high >> -scale)

    def multiple_of(self, form: Form, exponent: int) -> bool:
        """Whether every value of a form is a multiple of ``2**exponent``."""
        below = (1 << max(exponent - form.exponent, 0)) - 1
        return not form.constant & below and not any(c & below for _, c in form.terms.values())

    # Functions

    def base(self, form: Form) -> int:
        """Group whose function a varying form is."""
        if len(form.terms) == 1:
            ((slot, _),) = form.terms.items()
            if slot >= 0:
                return slot
        return self._primitive(form)[0]

    def function(self, form: Form) -> Function:
        """A varying form as the function of its base, in units of ``2**exponent``.

        Raises
        ------
        TooWide
            A value does not fit 62 bits.
        """
        if len(form.terms) == 1:
            ((slot, (atom, coefficient)),) = form.terms.items()
            if slot >= 0:
                return combine([(self.table(atom), coefficient)], form.constant)
        group, factor = self._primitive(form)
        return combine([(self.groups[group].identity(), factor)], form.constant)

    def named(self, group: int, function: Function, exponent: int = 0) -> Form:
        """The form of a known function of a group."""
        assert function.is_known
        place = self.groups[group]
        start, factor, normal = normalised(function, place)
        if factor == 0:
            return self.constant(start, exponent)
        if is_identity(normal, place):
            # start + factor * (M - low), written out
            terms = {slot: (atom, factor * coefficient) for slot, atom, coefficient in place.key}
            return self.form(exponent, start - factor * place.low, terms)
        for atom in place.atoms:
            if self.table(atom).same(normal):
                break
        else:
            atom = self.new_atom(group, normal.low, normal.high, "", normal)
            place.atoms.append(atom)
        return self.form(exponent, start, {group: (atom, factor)})

    def refine(self, group: int, cuts: NDArray[np.int64]) -> None:
        """Cut the pieces of a group at more places, its functions staying what they are.

        Raises
        ------
        TooLarge
            There would be too many pieces.
        """
        place = self.groups[group]
        if place.pointwise:
            return
        cuts = cuts[(cuts > place.low) & (cuts <= place.high)]
        before = place.starts
        starts = np.sort(np.concatenate([before, cuts]))
        starts = starts[np.append(True, starts[1:] != starts[:-1])]
        if len(starts) > _MAX_PIECES:
            raise TooLarge(f"a function over {place.points} values has more than {_MAX_PIECES} pieces")
        if len(starts) == len(before):
            return
        if self.frozen:
            raise TooLarge("a function has pieces that the network's own do not have")
        ends = np.append(starts[1:] - 1, place.high)
        old = np.searchsorted(before, starts, side="right") - 1
        for atom in place.atoms:
            f = self.table(atom)
            slope = place.slopes(f)[old]
            start = f.first[old] - slope * before[old]
            self.atoms[atom].function = Function(start + slope * starts, start + slope * ends)
        place.cuts = starts

    # Internals

    def form(self, exponent: int, constant: int, terms: dict[int, tuple[int, int]]) -> Form:
        """A form with its bounds."""
        low = high = constant
        atoms = self.atoms
        for atom, coefficient in terms.values():
            place = atoms[atom]
            if coefficient > 0:
                low += coefficient * place.low
                high += coefficient * place.high
            else:
                low += coefficient * place.high
                high += coefficient * place.low
        return Form(exponent, constant, terms, low, high)

    def _collapsed(self, form: Form) -> Form:
        """A function of ``M`` beside a multiple of ``M`` itself is one function of ``M``."""
        count = len(form.terms) - 1
        for slot, (atom, coefficient) in form.terms.items():
            if slot < 0 or count == 0 or len(self.groups[slot].key) != count:
                continue
            key = self.groups[slot].key
            first = form.terms.get(key[0][0])
            if first is None or first[1] % key[0][2]:
                continue
            factor = first[1] // key[0][2]
            if any(form.terms.get(s) != (a, c * factor) for s, a, c in key):
                continue
            both = [(self.table(atom), coefficient), (self.groups[slot].identity(), factor)]
            return self.named(slot, combine(both, form.constant), form.exponent)
        return form

    def _primitive(self, form: Form) -> tuple[int, int]:
        """Group of a form's varying part, and the factor by which the form multiplies it."""
        items = sorted((slot, atom, coefficient) for slot, (atom, coefficient) in form.terms.items())
        factor = gcd(*(coefficient for _, _, coefficient in items))
        factor = -factor if items[0][2] < 0 else factor
        key = tuple((slot, atom, coefficient // factor) for slot, atom, coefficient in items)
        group = self._group_of.get(key)
        if group is None:
            group = self._group_of[key] = self._new_group(key)
        return group, factor

    def _new_group(self, key: Key) -> int:
        bounds = self.form(0, 0, {slot: (atom, coefficient) for slot, atom, coefficient in key})
        if max(bounds.high, -bounds.low).bit_length() > 62:
            raise TooWide(f"a sum of {max(bounds.high, -bounds.low).bit_length()} bits does not fit 62")
        if bounds.high - bounds.low < self._point_limit or key in self._forced:
            cuts = None
        else:
            cuts = np.array([bounds.low], np.int64)
        self.groups.append(Group(key, bounds.low, bounds.high, cuts))
        return len(self.groups) - 1

    def new_atom(
        self, slot: int, low: int, high: int, label: str, function: Function | None = None,
        largest_of: tuple[Form, ...] = (),
    ) -> int:  # fmt: skip
        """A new atom."""
        self.atoms.append(Atom(slot, low, high, function, largest_of, label))
        return len(self.atoms) - 1

    def table(self, atom: int) -> Function:
        """An atom's function."""
        function = self.atoms[atom].function
        assert function is not None
        return function
