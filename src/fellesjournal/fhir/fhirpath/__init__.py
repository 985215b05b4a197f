"""FHIRPath 2.0 (N1) with FHIR R4's additions: `compile_expression` once, `evaluate` or `is_true` many times.

Works on parsed JSON, with exact decimals; knows the type of every element from the vendored definitions.
Bounded: an expression of any origin ends soon, with a result or a FhirPathError.
"""

from fellesjournal.fhir.fhirpath.checker import check_expression
from fellesjournal.fhir.fhirpath.environment import Services, Work
from fellesjournal.fhir.fhirpath.errors import FhirPathError, TooCostly
from fellesjournal.fhir.fhirpath.expression import Evaluation, Expression, compile_expression
from fellesjournal.fhir.fhirpath.nodes import Node, TypeName, element_node, resource_node

__all__ = [
    "Evaluation",
    "Expression",
    "FhirPathError",
    "Node",
    "Services",
    "TooCostly",
    "TypeName",
    "Work",
    "check_expression",
    "compile_expression",
    "element_node",
    "resource_node",
]
