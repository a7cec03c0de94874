"""The largest of several forms, in one normal form, however a tree of comparisons was built."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np

from firmware.proof.atoms import Form, crossings
from firmware.proof.functions import relu
from firmware.proof.space import Space

__all__ = ["largest"]


def largest(space: Space, forms: Sequence[Form]) -> Form:
    """The largest of forms, in one normal form.

    Forms that can never win go, a maximum among them is opened, and what is left becomes one atom, unless all of it
    is a function of one ``M``.
    """
    exponent = min(form.exponent for form in forms)
    opened = [part for form in forms for part in _opened(space, space.combine([(form, 1, 0)]))]
    aligned = [space.aligned(form, exponent) for form in opened]
    kept = _contenders(aligned)
    if len(kept) == 1:
        return kept[0]
    varying = [form for form in kept if not form.is_constant]
    bases = {space.base(form) for form in varying}
    if len(bases) == 1:
        return _as_function(space, bases.pop(), kept, exponent)
    kept.sort(key=_shape)
    origin = kept[0].constant
    shapes = [(form.constant - origin, _shape(form)) for form in kept]
    factor = gcd(*(offset for offset, _ in shapes), *(c for _, shape in shapes for _, _, c in shape))
    key = tuple((offset // factor, tuple((s, a, c // factor) for s, a, c in shape)) for offset, shape in shapes)
    atom = space.maxima.get(key)
    if atom is None:
        parts = tuple(space.form(0, offset, {slot: (inner, c) for slot, inner, c in shape}) for offset, shape in key)
        low, high = max(part.low for part in parts), max(part.high for part in parts)
        atom = space.new_atom(-len(space.atoms) - 1, low, high, "largest", None, parts)
        space.maxima[key] = atom
    return space.form(exponent, origin, {space.atoms[atom].slot: (atom, factor)})


def _as_function(space: Space, group: int, forms: list[Form], exponent: int) -> Form:
    best: Form | None = None
    for form in forms:
        if best is None:
            best = form
            continue
        difference = space.combine([(form, 1, 0), (best, -1, 0)])
        if not difference.is_constant:
            crossing = space.function(difference)
            space.refine(group, crossings(space.groups[group], crossing, np.array([0])))
            above = space.named(group, relu(space.function(difference)), difference.exponent)
            best = space.combine([(best, 1, 0), (above, 1, 0)])
        elif difference.constant > 0:
            best = form
    assert best is not None
    return space.aligned(best, exponent)


def _opened(space: Space, form: Form) -> list[Form]:
    """The forms of which a form is the largest: those of a maximum, or the two of a bent line; else itself."""
    if len(form.terms) != 1:
        return [form]
    ((slot, (atom, factor)),) = form.terms.items()
    place = space.atoms[atom]
    if place.largest_of:
        if factor < 0:
            return [form]
        shift = space.form(form.exponent, form.constant, {})
        return [space.combine([(shift, 1, 0), (part, factor, form.exponent)]) for part in place.largest_of]
    if slot < 0:
        return [form]
    group, f = space.groups[slot], space.table(atom)
    if factor > 0:  # max(M - bend, 0)
        bend, flat, start = group.high - f.high, 0, group.high - f.high
        bent = [np.maximum(side - start, 0) for side in (group.starts, group.ends)]
    else:  # minus min(M - low, top)
        bend, flat, start = group.low + f.high, f.high, group.low
        bent = [np.minimum(side - start, f.high) for side in (group.starts, group.ends)]
    if ((group.starts < bend) & (group.ends > bend)).any() or not (
        np.array_equal(f.first, bent[0]) and np.array_equal(f.last, bent[1])
    ):
        return [form]
    line = space.form(0, -start, {s: (a, c) for s, a, c in group.key})
    shift = space.form(form.exponent, form.constant, {})
    return [
        space.combine([(shift, 1, 0), (line, factor, form.exponent)]),
        space.combine([(shift, 1, 0), (space.constant(flat), factor, form.exponent)]),
    ]


def _contenders(forms: list[Form]) -> list[Form]:
    """Forms of one exponent without those that another one never falls below; equal ones once."""
    distinct: dict[tuple[tuple[int, int, int], ...], Form] = {}
    for form in forms:
        shape = _shape(form)
        if shape not in distinct or distinct[shape].constant < form.constant:
            distinct[shape] = form
    floor = max(form.low for form in distinct.values())
    best = next(form for form in distinct.values() if form.low == floor)
    constants = [form for form in distinct.values() if form.low == floor and not form.is_constant]
    best = constants[0] if constants else best
    kept = [form for form in distinct.values() if form is best or form.high > floor]
    return kept


def _shape(form: Form) -> tuple[tuple[int, int, int], ...]:
    return tuple(sorted((slot, atom, coefficient) for slot, (atom, coefficient) in form.terms.items()))
