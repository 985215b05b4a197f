"""What several care services share: contacts, notes, problems, measurements, tasks, messages, and the chart's pages.

Actions take a `Journal` and gather what they write; whoever calls them commits once.
"""
