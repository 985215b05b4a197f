"""The operations of terminology, and TerminologyCapabilities. No patient is needed: any signed-in reader may ask."""
