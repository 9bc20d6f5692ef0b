"""Dispatch: updates are stored, claimed in the order of their conversations, understood, answered and finished."""
