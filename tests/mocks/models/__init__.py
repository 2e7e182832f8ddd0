"""The parts of mock_models.py: what a model says (script), and how each API says it."""
