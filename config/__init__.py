"""Settings: typed schema, loading from YAML and environment, problems with file and line. Knows nobody."""
