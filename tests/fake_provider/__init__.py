"""A fake model provider for tests and benches; `python -m fake_provider --help` says what it can do."""
from .process import FakeProvider
from .record import Call, early, moods, most_at_once, repeated
from .settings import AWS_KEY_ID, AWS_SECRET, KEY

__all__ = ["AWS_KEY_ID", "AWS_SECRET", "KEY", "Call", "FakeProvider", "early", "moods", "most_at_once", "repeated"]
