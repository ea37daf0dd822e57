"""The benches, in the order in which they run. The first line of each one's text is what --list shows."""

from .accepts import accepts
from .idle import idle
from .leak import leak
from .manual import manual
from .models import models
from .polls import polls
from .upload import upload

CASES = {"manual": manual, "accepts": accepts, "polls": polls, "upload_1gb": upload, "idle": idle, "leak": leak,
         "models": models}
