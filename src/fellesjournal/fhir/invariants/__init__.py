"""R4's invariants on plain JSON: compiled to closures where their shape is common, evaluated by FHIRPath else.

`rules_of` a type or part, `rules_at` an element that has rules beyond its type's.
"""

from fellesjournal.fhir.invariants.rules import Rule, compile_rule, rules_at, rules_of

__all__ = ["Rule", "compile_rule", "rules_at", "rules_of"]
