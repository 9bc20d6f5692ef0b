"""What is known of Russian and English: which words there are, how they are spelled, misspelled and typed."""
