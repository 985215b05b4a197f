"""FHIR R4 over HTTP at `/fhir`: one file for each interaction, all through the journal."""
