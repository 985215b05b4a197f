"""A test identity provider for the demo: behaves to our client as HelseID and ID-porten do, with people who
do not exist.

It is there in a database marked as demo alone; the application refuses to mount it, and the client to use it, in any
other.
"""

from __future__ import annotations

from fellesjournal.identity.test_provider.people import DemoPerson, People
from fellesjournal.identity.test_provider.provider import BundledProvider

__all__ = ["BundledProvider", "DemoPerson", "People"]
