"""The demo municipality, as for messages."""

from tests.clinical.correspondence.conftest import town

__all__ = ["town"]
