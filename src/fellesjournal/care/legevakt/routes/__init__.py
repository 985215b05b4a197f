"""The legevakt's pages."""

from fellesjournal.care.legevakt.routes import board, contact, intake

routes = [*board.routes, *intake.routes, *contact.routes]
