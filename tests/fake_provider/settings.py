"""How the provider behaves. One table: a field here is an option of the command line and a member of /settings."""
import dataclasses
import math
import random
import re

# The credentials that are accepted unless others are set.
KEY = "test-key"
AWS_KEY_ID = "AKIDTESTKEY0000000000"
AWS_SECRET = "wJalrTESTSECRET/K7MDENG+bPxRfiTESTSECRET"

# What can be made of a call, beside "ok".
MOODS = {
    "429": "refused: too many requests",
    "503": "refused: no capacity",
    "500": "refused: an internal error",
    "hang": "no answer at all",
    "stall": "half of the answer, then nothing",
    "cut": "half of the answer, then the connection (HTTP/1.1) or the stream (HTTP/2) is broken off",
    "empty": "success without text",
    "blocked": "the answer is withheld by policy",
    "blocked_prompt": "the prompt is refused by policy (Gemini; elsewhere as blocked)",
    "recitation": "the answer is too close to known text (Gemini; elsewhere as blocked)",
    "truncated": "the token limit is met in the middle of the answer",
    "invalid_json": "text that is not JSON",
    "schema_mismatch": "JSON that is not shaped as asked",
    "garbage": "success with a body that is no JSON",
    "endless": "success with a body that does not end",
    "endless_headers": "success with headers that do not end (HTTP/2: with more of them than clients take)",
    "noise": "bytes that are no HTTP",
    "silent": "the connection (HTTP/1.1) or the stream (HTTP/2) is closed without a byte",
    "redirect": "to the same place once more",
    "quota": "refused: the quota of the day is used up",
    "401": "refused: the key is wrong",
    "403": "refused: the key may not do this",
    "400": "refused: the request is wrong",
}


def _field(default, help):
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata={"help": help})
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass
class Settings:
    latency_ms: str = _field("0", "of an answer: 500, uniform:200:800, or lognormal:MEDIAN:SIGMA")
    refusal_ms: str = _field("0", "of a refusal, in the same words")
    shares: dict = _field({}, "MOOD=SHARE of the calls, for example 429=0.5; moods: " + ", ".join(MOODS))
    request_limit: str = _field("", "requests over time, for each key: 100/s, or 600/m")
    request_burst: int = _field(0, "how many at once after a pause; 0: as many as the limit says for its time")
    token_limit: str = _field("", "tokens over time, for each key, in the same words")
    token_burst: int = _field(0, "as with requests")
    concurrency_limit: int = _field(0, "calls under way for a key; one more is refused with 429; 0: none")
    daily_quota: int = _field(0, "calls answered to a key until its quota is used up; 0: none")
    retry_after_ms: int = _field(1000, "what a 429 tells that no limit caused, and a 503 where its protocol tells any")
    hints: bool = _field(True, "whether refusals and answers tell of limits and when to come back")
    truncate_below: int = _field(0, "answers are cut off where the request allows fewer tokens than this")
    keys: list = _field([KEY, AWS_KEY_ID], "keys that are accepted, and ids of keys that sign")
    revoked: bool = _field(False, "whether every key is refused")
    revoke_after_calls: int = _field(0, "as if revoked, once so many calls have come since this was set; 0: never")
    schemas: bool = _field(True, "whether a JSON schema is taken natively; else it is refused, as older servers do")
    models: list = _field([], "the models there are; none named: whatever is asked for")
    max_streams: int = _field(100, "calls on one HTTP/2 connection; of connections that are made later")
    endless_mb: int = _field(1024, "an endless body does end here, lest it fill a disk")
    seed: int = _field(1, "of what is left to chance")

    def __post_init__(self):
        self.check()

    def check(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            kind = type(field.default_factory() if field.default is dataclasses.MISSING else field.default)
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise ValueError(f"{field.name} must be of type {kind.__name__}, and is {value!r}")
            if kind is int and value < 0:
                raise ValueError(f"{field.name} must not be negative")
        for name in ("latency_ms", "refusal_ms"):
            delay(getattr(self, name), random.Random(0))
        for name in ("request_limit", "token_limit"):
            rate(getattr(self, name))
        for mood, share in self.shares.items():
            if mood not in MOODS:
                raise ValueError(f"there is no mood {mood!r}; there are {', '.join(MOODS)}")
            if not isinstance(share, (int, float)) or not 0 <= share <= 1:
                raise ValueError(f"the share of {mood} must be from 0 to 1, and is {share!r}")
        if sum(self.shares.values()) > 1.000001:
            raise ValueError("the shares are more than 1 together")

    def changed(self, changes):
        """Others like these; a name that does not exist is an error."""
        unknown = set(changes) - {field.name for field in dataclasses.fields(self)}
        if unknown:
            raise ValueError(f"there is no setting {', '.join(sorted(unknown))}")
        return dataclasses.replace(self, **changes)


def delay(words, dice):
    """Seconds."""
    kind, *numbers = words.split(":")
    try:
        if not numbers:
            return _not_negative(float(kind)) / 1000
        first, second = map(float, numbers)
    except ValueError:
        raise ValueError(f"{words!r} is no latency: 500, uniform:200:800 or lognormal:500:0.5") from None
    if kind == "uniform" and 0 <= first <= second:
        return dice.uniform(first, second) / 1000
    if kind == "lognormal" and first > 0 and second >= 0:
        return dice.lognormvariate(math.log(first), second) / 1000
    raise ValueError(f"{words!r} is no latency: 500, uniform:200:800 or lognormal:500:0.5")


def _not_negative(value):
    if not 0 <= value < math.inf:
        raise ValueError(value)
    return value


def rate(words):
    """(how many, in how many seconds), or None."""
    if not words:
        return None
    found = re.fullmatch(r"(\d+)/([smh])", words)
    if not found or int(found[1]) == 0:
        raise ValueError(f"{words!r} is no limit: 100/s, 600/m or 1000/h")
    return int(found[1]), {"s": 1, "m": 60, "h": 3600}[found[2]]


class Bucket:
    """Fills evenly over time up to its burst. To take more than it holds is refused, and it says until when."""

    def __init__(self, limit, burst):
        self.amount, self.seconds = limit
        self.size = burst or self.amount
        self.level = float(self.size)
        self.at = None

    def _fill(self, now):
        if self.at is not None:
            self.level = min(self.size, self.level + (now - self.at) * self.amount / self.seconds)
        self.at = now

    def wait_s(self, count, now):
        """0 where so many can be taken. What is more than it ever holds is let through when it is full."""
        self._fill(now)
        missing = min(count, self.size) - self.level
        return max(0.0, missing * self.seconds / self.amount) if missing > 1e-9 else 0.0

    def a_minute(self):
        return round(self.amount * 60 / self.seconds)

    def take(self, count):
        self.level -= count

    def state(self):
        """(limit, remaining, seconds until it is full again), as headers tell them."""
        full_s = (self.size - self.level) * self.seconds / self.amount
        return self.amount, max(0, int(self.level)), max(0.0, full_s)
