"""The parts of `faq.mine`: what was asked, brought to forms, gathered into clusters, and what to do about each."""
