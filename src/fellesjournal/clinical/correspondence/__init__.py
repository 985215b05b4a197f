"""What one service tells another: a signed note reaches the patient's GP at once, through the change feed.

Nothing is sent by the page that signs. The feed tells the worker; the worker decides anew, with a right to that one
patient for five minutes, and puts a task where somebody will see it.
"""

from fellesjournal.clinical.correspondence.actors import DISTRIBUTE, FEED, ensure_system_actors
from fellesjournal.clinical.correspondence.model import NO_GP

__all__ = ["DISTRIBUTE", "FEED", "NO_GP", "ensure_system_actors"]
