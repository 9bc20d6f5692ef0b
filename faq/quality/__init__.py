"""How well a base answers: labelled questions in, measures, reports and differences out."""
