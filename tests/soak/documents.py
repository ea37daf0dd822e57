"""What is handed in: documents of every kind, and how each of them must end."""
import random

import papers


class Kind:
    """Some bodies of a kind, made once; the same seed makes the same ones."""

    def __init__(self, share, bodies, name="document.pdf", status="completed", reason=None, failed=None, **fields):
        self.share = share  # of a thousand documents
        self.bodies = bodies
        self.name = name
        self.status = status
        self.reason = reason  # of a document that fails
        self.failed = failed  # reason of the one page that fails
        self.fields = fields


def kinds(seed):
    """By name. `hanging` has no share: a page that hangs holds a helper until its time is over, so these are placed."""
    dice = random.Random(seed)

    def somewhere():
        return dice.randint(1, 5000)

    locked = papers.encrypted(papers.text_pdf(1), "sesame")
    return {
        "small": Kind(640, [papers.text_pdf(dice.randint(1, 3), somewhere()) for _ in range(60)]),
        "long": Kind(10, [papers.text_pdf(dice.randint(41, 90), somewhere()) for _ in range(4)]),
        "text": Kind(120, [papers.prose(somewhere()).encode() for _ in range(40)], "letter.txt"),
        "book": Kind(20, [papers.epub([papers.prose(somewhere())] * 2) for _ in range(5)], "book.epub"),
        "scan": Kind(5, [papers.picture("A scanned page\nof two lines", size=(620, 240))], "scan.png"),
        "opened": Kind(25, [locked], password="sesame"),
        "locked": Kind(30, [locked], status="failed", reason="encrypted"),
        "noise": Kind(40, [b"%PDF-1.4\n" + dice.randbytes(400) for _ in range(10)], status="failed", reason="damaged"),
        "empty": Kind(40, [papers.pdf_without_pages()], status="failed", reason="no_pages"),
        "damaged": Kind(70, [papers.pdf_with_damaged_pages(3, (2,))], failed="damaged"),
        "hanging": Kind(0, [papers.hanging_pdf(2, (1,))], failed="timeout"),
    }
