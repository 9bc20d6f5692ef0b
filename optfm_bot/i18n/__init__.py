"""Words that people see: catalogues in Russian and English, plural forms, and the phrases of small talk."""
