"""Documents to measure with: a long manual that exists, and small ones that are made up."""

import gzip
import pathlib
import random
import subprocess
import zlib

from .machine import Trouble

MANUAL = pathlib.Path("/usr/share/doc/valgrind/valgrind_manual.pdf.gz")
MANUAL_PAGES = 397
# accept_load puts a number here, so that no two documents are alike.
MARK = b"@" * 16


def manual(bench):
    """The manual of Debian's package valgrind, unpacked. Small containers leave /usr/share/doc out, even of packages
    they install; then it is taken out of the package."""
    packed = MANUAL
    if not packed.exists():
        bench.report.progress("fetching the package valgrind for its manual")
        packed = _out_of_package(bench.folder)
    target = bench.folder / "manual.pdf"
    target.write_bytes(gzip.decompress(packed.read_bytes()))
    return target


def _out_of_package(folder):
    for command in (["apt-get", "-qq", "download", "valgrind"], ["sh", "-c", "dpkg-deb -x valgrind_*.deb unpacked"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"{MANUAL} is not here, and {' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return folder / "unpacked" / MANUAL.relative_to("/")


# ---- documents made up -----------------------------------------------------------------------------------------------

PEOPLE = ("Margaret Hale", "Dr. Samuel Okafor", "Ingrid Svensson", "Mr. Paul Whitaker", "Elena Rossi", "Thomas Becker",
          "Aisha Rahman", "Prof. Daniel Moreau", "Katherine Wells", "Hiroshi Tanaka")
FIRMS = ("Northwind Logistics Ltd", "Halden Shipping Inc.", "the University of Leeds", "Brightwater Energy GmbH",
         "the Ministry of Transport", "Orchard Foods plc", "Meridian Bank", "Castle Insurance Company")
PLACES = ("Rotterdam", "Manchester", "Chicago", "Oslo", "Singapore", "Valencia", "Hamburg", "Cape Town", "Toronto")
MONTHS = ("January", "March", "April", "June", "August", "October", "December")
SENTENCES = (
    "{person} of {firm} signed the agreement in {place} on {day} {month} {year}.",
    "The committee approved a budget of ${thousand},{hundred} for the second phase, although two members objected.",
    "Deliveries from {place} to {place2} were delayed by {small} days because the harbour had been closed.",
    "According to {person}, customer satisfaction rose by {small} percent after the new schedule was introduced.",
    "{firm} reported a loss of €{small}.{small2} million, which the auditors considered disappointing but not alarming.",
    "Questions about invoice INV-{year}-{hundred} should be sent to accounts{small}@example.com before the end of {month}.",
    "The inspection in {place} found no serious defects, and the engineers praised the excellent state of the equipment.",
    "Further documents can be found at https://www.example.org/reports/{year}/{hundred}, together with the measurements.",
    "It remains unclear whether the remaining {hundred} units can be repaired at a reasonable cost.",
    "{person} and {person2} will present the results to {firm} at the annual meeting in {place}.",
    "The warehouse holds {thousand} pallets, of which roughly one third belongs to {firm}.",
    "Both parties agreed that the risk of further delays was acceptable and that the contract should be extended.",
)
LINE_CHARACTERS = 92
LINES_A_PAGE = 38


class Author:
    """Writes pages of a report; the same seed writes the same ones."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.sentences = [self._sentence() for _ in range(3000)]

    def _sentence(self):
        pick, number = self.dice.choice, self.dice.randint
        return pick(SENTENCES).format(
            person=pick(PEOPLE), person2=pick(PEOPLE), firm=pick(FIRMS), place=pick(PLACES), place2=pick(PLACES),
            month=pick(MONTHS), day=number(1, 28), year=number(2015, 2025), thousand=number(1, 99),
            hundred=number(100, 999), small=number(2, 40), small2=number(1, 9))

    def page(self):
        """Lines of one page."""
        text = " ".join(self.dice.choices(self.sentences, k=30))
        lines, at = [], 0
        while at < len(text) and len(lines) < LINES_A_PAGE:
            end = len(text) if len(text) - at <= LINE_CHARACTERS else text.rfind(" ", at, at + LINE_CHARACTERS)
            lines.append(text[at:end])
            at = end + 1
        return lines

    def pages(self, count):
        return [self.page() for _ in range(count)]


def pdf(pages, size=0):
    """A PDF of these pages (lists of lines). With `size` it is filled up to so many bytes by a stream no page uses."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding /WinAnsiEncoding >>"]
    kids = []
    for lines in pages:
        shown = b"".join(b"(" + _escaped(line) + b") '\n" for line in lines)
        content = zlib.compress(b"BT /F1 11 Tf 14 TL 56 760 Td\n" + shown + b"ET\n", 6)
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
                       b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    if not size:
        return _assembled(objects)
    objects.append(_filling(0))
    missing = size - len(_assembled(objects))
    if missing < 0:
        raise Trouble(f"these pages take {-missing} bytes more than {size}")
    objects[-1] = _filling(missing)
    return _assembled(objects)


def _escaped(line):
    return line.encode("cp1252", "replace").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _filling(size):
    return b"<< /Length %010d >>\nstream\n%s\nendstream" % (size, random.Random(size).randbytes(size))


def _assembled(objects):
    out = bytearray(b"%PDF-1.4\n%" + MARK + b"\n")
    places = []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%010d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
