"""What is remembered of every call, and what can be said about many of them. Times are of the monotonic clock, in
seconds, which on one machine is the same for all processes."""
import collections

FIELDS = """number arrived answered ended protocol http tls connection key model task document page inputs content
max_output mood status told_wait_s in_flight input_tokens output_tokens complaint""".split()


class Call:
    """arrived: the request was there. answered: the answer began. ended: it had been sent, or the client had gone;
    `gone` tells which. mood: what was made of it. told_wait_s: when the client was told to come back. in_flight: calls
    under way, with it."""

    __slots__ = (*FIELDS, "gone", "counter")

    def __init__(self, **known):
        for name in self.__slots__:
            setattr(self, name, None)
        self.gone = False
        for name, value in known.items():
            setattr(self, name, value)

    def as_dict(self):
        return {name: getattr(self, name) for name in (*FIELDS, "gone")}

    @property
    def good(self):
        """Answered in full with what was asked for."""
        return self.mood == "ok" and self.answered is not None and not self.gone

    def __repr__(self):
        return f"Call({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items() if value is not None)})"


def early(calls, grace_s=0.02):
    """Calls that came although their key had been told to wait. One that was already on its way when the refusal came
    is none of them, hence `grace_s`."""
    found = []
    waits = [(call.key, call.answered, call.answered + call.told_wait_s) for call in calls
             if call.told_wait_s and call.answered]
    for call in calls:
        if any(key == call.key and told + grace_s < call.arrived < until - 0.001 for key, told, until in waits):
            found.append(call)
    return found


def repeated(calls):
    """What was asked again although it had been answered well: the calls after the good answer."""
    answered = {}
    found = []
    for call in sorted(calls, key=lambda one: one.arrived):
        what = (call.content, call.model)
        if what in answered and answered[what] < call.arrived:
            found.append(call)
        if call.good:
            answered[what] = min(call.answered, answered.get(what, call.answered))
    return found


def most_at_once(calls):
    """How many were under way at the busiest moment; by key, model and the like, filter before."""
    moments = []
    for call in calls:
        moments.append((call.arrived, 1))
        if call.ended is not None:
            moments.append((call.ended, -1))
    most = under_way = 0
    for _, change in sorted(moments):
        under_way += change
        most = max(most, under_way)
    return most


def moods(calls):
    return collections.Counter(call.mood for call in calls)
