"""Two invented neighbouring municipalities: a fjord and the valley behind it.

Neither the municipality numbers (71xx) nor the postal codes (985x–987x) nor the postal places are in use.
"""

from __future__ import annotations

from random import Random

from fellesjournal.demo.model import Address, Municipality

MUNICIPALITIES = (
    Municipality("7101", "Tindvåg", (("9851", "TINDVÅG"), ("9853", "YTRE TINDVÅG"), ("9855", "SKJELNESGRENDA"))),
    Municipality("7102", "Øvreskog", (("9861", "ØVRESKOG"), ("9863", "SAUTINDDALEN"), ("9865", "BLÅKVELVET"))),
)

_FIRST = (
    "Havreåker", "Notnaust", "Tindvåg", "Skjelnes", "Kvitberg", "Lauvlie", "Torvmyr", "Ospehaug", "Rognebær",
    "Sautind", "Blåkvelv", "Øvreskog", "Gråsteins", "Fiskebu", "Sagbruks", "Smie", "Meieri", "Nedre Kleiv",
    "Øvre Kleiv", "Kvernhus", "Brattbakk", "Storeng", "Nyjords", "Elvebrink", "Bjørkehaug", "Tjeld", "Måse",
    "Lerke", "Svartbak", "Kyrkje", "Prestejords", "Skolebakk", "Stasjons", "Brygge", "Molo", "Fyr",
)  # fmt: skip
_LAST = ("vegen", "vegen", "vegen", "bakken", "lia", "svingen", "tunet", "stien", "gata")


def address(rng: Random, municipality: Municipality) -> Address:
    """A street address in the municipality, most of them in its centre."""
    code, city = rng.choices(municipality.places, (6, 3, 2))[0]
    street = rng.choice(_FIRST) + rng.choice(_LAST)
    letter = rng.choice(("", "", "", "", "A", "B", "C"))
    return Address(f"{street} {rng.randrange(1, 90)}{letter}", code, city, municipality.number)
