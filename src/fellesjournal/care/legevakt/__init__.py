"""The legevakt: a board of today's contacts, triage with vitals and NEWS2 on one screen, the note, its copy
to the GP.

Sources: akuttmedisinforskriften §§ 6, 13; helsepersonelloven §§ 39, 45; NEWS2 by the Royal College of
Physicians.
"""
