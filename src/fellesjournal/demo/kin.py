"""Next of kin: the partner first, then grown-up children, then parents."""

from __future__ import annotations

from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Kin


def next_of_kin(one: Draft) -> tuple[Kin, ...]:
    """At most three, living; a child has its parents."""
    found: list[Kin] = []
    if one.partner and not one.partner.deceased_on:
        found.append(Kin(one.partner.key, "ektefelleEllerPartner"))
    found += [_parent(parent) for parent in one.parents() if not parent.deceased_on]
    found += [Kin(child.key, "barn") for child in one.children if not child.deceased_on and _grown(one, child)]
    return tuple(found[:3])


def _parent(parent: Draft) -> Kin:
    return Kin(parent.key, "mor" if parent.sex == "female" else "far")


def _grown(one: Draft, child: Draft) -> bool:
    """Old enough to be called: the parent had them so long ago that they are adults by any measure."""
    return child.birth_on.year - one.birth_on.year >= 15 and child.phone is not None and "elev" not in child.occupation
