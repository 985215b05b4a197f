"""The hash chain of the access log: sealing it each minute, publishing the seals, and finding what was changed since.

A seal is made of the rows alone and of the seal before it, so anyone who keeps published seals finds a changed, removed
or inserted row in any copy of the log, whoever made the change.
"""

from fellesjournal.access.chain.actions import keep_sealed, log_verified, published, seal_log
from fellesjournal.access.chain.model import Finding, NotASeal, Seal, read_published

__all__ = ["Finding", "NotASeal", "Seal", "keep_sealed", "log_verified", "published", "read_published", "seal_log"]
