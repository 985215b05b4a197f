"""The own record in plain Norwegian: notes, measurements, medicines, vaccinations, appointments.

Everything comes through the journal, decided as the citizen; what is withheld or unsigned is not in the
answers at all.
"""
