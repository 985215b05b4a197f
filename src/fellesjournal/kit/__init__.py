"""The cellar: database, jobs, clock, ids, keys, settings, logging. It knows nothing of health."""
