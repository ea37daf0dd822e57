"""The control endpoint, on a port of its own, so that no mood of the provider's reaches it:

  GET    /settings             as they are
  PATCH  /settings {…}         changes some, from the next call on; limits begin full again
  POST   /script [{…}]         what becomes of the next calls: {"mood", "page", "task", "times", "retry_after_ms"}
  DELETE /script               forgets what of it has not happened
  GET    /calls?after=NUMBER   the record, from the call after that number on
  DELETE /calls                forgets it
  GET    /state                {"now", "in_flight", "calls", "looks", "script"}
"""
import dataclasses
import json
import time
import urllib.parse

from .http import Reply
from .provider import JSON


class Control:
    """Handles what arrives on the control port, as wire.py wants it."""

    max_streams = 100

    def __init__(self, provider):
        self.provider = provider

    def arrived(self, stream):
        try:
            status, value = self._answer(stream.request)
        except (ValueError, TypeError, AttributeError) as error:
            status, value = 400, {"error": str(error)}
        stream.send(Reply(status, [JSON], json.dumps(value).encode()))

    def ended(self, stream, gone):
        pass

    def _answer(self, request):
        provider = self.provider
        body = json.loads(request.body) if request.body else None
        what = (request.method, request.path)
        if what == ("PATCH", "/settings"):
            provider.change(provider.settings.changed(body))
        elif what == ("POST", "/script"):
            provider.add_script(body)
        elif what == ("DELETE", "/script"):
            provider.script.clear()
        elif what == ("DELETE", "/calls"):
            provider.calls.clear()
        elif what == ("GET", "/calls"):
            after = int(urllib.parse.parse_qs(request.query).get("after", ["0"])[0])
            return 200, [call.as_dict() for call in provider.calls if call.number > after]
        elif what == ("GET", "/settings"):
            return 200, dataclasses.asdict(provider.settings)
        elif what == ("GET", "/state"):
            return 200, self._state()
        else:
            return 404, {"error": "there is no such thing; see control.py"}
        return 200, {}

    def _state(self):
        provider = self.provider
        return {"now": time.monotonic(), "in_flight": provider.in_flight, "calls": provider.number,
                "looks": provider.looks, "script": provider.script}
