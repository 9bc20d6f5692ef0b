"""The parts of `faq.lint`: what a finding is, what single entries lack, and what entries do to each other."""
