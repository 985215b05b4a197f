"""Profiles: what a StructureDefinition asks of a resource beyond R4 itself, compiled and checked.

Pure: definitions come from a `Source`, codes that only terminology knows go out as questions.
`Profiles(source).check(resource)` after `fhir.validate` has accepted the resource.
"""

from fellesjournal.fhir.profile.checker import Profile, Profiles
from fellesjournal.fhir.profile.coded import complaint
from fellesjournal.fhir.profile.model import BindingQuestion, CodeAsked, MemberOf, ProfileError, Report, Source
from fellesjournal.fhir.profile.survey import canonicals_in

__all__ = [
    "BindingQuestion",
    "CodeAsked",
    "MemberOf",
    "Profile",
    "ProfileError",
    "Profiles",
    "Report",
    "Source",
    "canonicals_in",
    "complaint",
]
