"""The operations of terminology, and TerminologyCapabilities. No patient is needed: whoever is signed in may ask."""
