"""Documents to test with, made on the spot: good ones of every kind, slow ones, broken ones, malicious ones.

`Pdf` writes PDF objects as they are given, so it can also write what no decent program would.
"""
import io
import random
import zipfile
import zlib

import pypdf
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas


class Pdf:
    """Objects are added in any order; `build` adds the table of their places."""

    def __init__(self):
        self.objects = []

    def reserve(self):
        self.objects.append(None)
        return len(self.objects)

    def put(self, number, body):
        self.objects[number - 1] = body.encode("latin-1") if isinstance(body, str) else body

    def add(self, body):
        number = self.reserve()
        self.put(number, body)
        return number

    def add_stream(self, data, entries="", deflate=False):
        if isinstance(data, str):
            data = data.encode("latin-1")
        if deflate:
            data = zlib.compress(data)
            entries += " /Filter /FlateDecode"
        return self.add(b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries.encode(), data))

    def build(self, root, trailer=""):
        out = io.BytesIO(b"")
        out.write(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self.objects, 1):
            places.append(out.tell())
            out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        start = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1))
        for place in places:
            out.write(b"%010d 00000 n \n" % place)
        out.write(
            b"trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(places) + 1, root, trailer.encode(), start)
        )
        return out.getvalue()


def _escape(text):
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _lines(text, x=72, y=760):
    shown = "".join(f"({_escape(line)}) Tj T* " for line in text.split("\n"))
    return f"BT /F1 11 Tf 14 TL {x} {y} Td {shown}ET\n"


class PagedPdf(Pdf):
    """A PDF as a list of pages, each a content stream and its resources."""

    def __init__(self):
        super().__init__()
        self.catalog = self.reserve()
        self.tree = self.reserve()
        self.font = self.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
        self.pages = []

    def page(self, content, resources="", deflate=False, entries="", damage=None):
        """`damage` changes the bytes of the (possibly deflated) content stream."""
        data = content.encode("latin-1") if isinstance(content, str) else content
        filters = ""
        if deflate:
            data = zlib.compress(data)
            filters = "/Filter /FlateDecode"
        if damage:
            data = damage(data)
        stream = self.add_stream(data, filters)
        return self.page_object(
            f"<< /Type /Page /Parent {self.tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R "
            f"/Resources << /Font << /F1 {self.font} 0 R >> {resources} >> {entries} >>"
        )

    def text_page(self, text, **options):
        return self.page(_lines(text), **options)

    def page_object(self, body):
        self.pages.append(self.add(body))
        return self

    def bytes(self, tree_entries="", trailer=""):
        kids = " ".join(f"{number} 0 R" for number in self.pages)
        self.put(self.catalog, f"<< /Type /Catalog /Pages {self.tree} 0 R >>")
        self.put(self.tree, f"<< /Type /Pages /Kids [{kids}] /Count {len(self.pages)} {tree_entries} >>")
        return self.build(self.catalog, trailer)


SENTENCES = (
    "The harbour of {city} handled {n} containers in March.",
    "Margaret Ashworth signed the agreement with Northwind Traders Ltd on 14 March 2025.",
    "The total amount of ${n},500.00 is payable within thirty days.",
    "Questions are answered by office{n}@example.com or at https://example.com/case/{n}.",
    "The board was pleased with the excellent results and the reliable service.",
    "A terrible storm delayed the delivery and damaged part of the cargo.",
)
CITIES = ("Rotterdam", "Hamburg", "Lisbon", "Antwerp", "Gdansk", "Valencia")


def prose(page, lines=6):
    """What stands on a page: sentences, and a word that no other page has."""
    city = CITIES[page % len(CITIES)]
    return "\n".join(
        [f"Chapter {page} begins with the word {marker(page)}."]
        + [SENTENCES[i % len(SENTENCES)].format(city=city, n=page * 10 + i) for i in range(lines)]
    )


def marker(page):
    """A word of letters only that names the page."""
    letters = ""
    while True:
        letters = chr(ord("a") + page % 26) + letters
        page //= 26
        if page == 0:
            return "marker" + letters


def text_pdf(pages=1, first=1, deflate=True):
    pdf = PagedPdf()
    for page in range(first, first + pages):
        pdf.text_page(prose(page), deflate=deflate)
    return pdf.bytes()


def typeset_pdf(pages=2):
    """As a widespread program writes it, with compressed streams and a document information dictionary."""
    out = io.BytesIO()
    paper = canvas.Canvas(out, pagesize=A4, pageCompression=1)
    paper.setTitle("Typeset")
    for page in range(1, pages + 1):
        text = paper.beginText(72, 760)
        for line in prose(page).split("\n"):
            text.textLine(line)
        paper.drawText(text)
        paper.showPage()
    paper.save()
    return out.getvalue()


def tiny_pdf(text="Tiny but valid"):
    """The smallest PDF with a table of places that a strict reader takes."""
    pdf = Pdf()
    pdf.add("<</Type/Catalog/Pages 2 0 R>>")
    pdf.add("<</Type/Pages/Kids[3 0 R]/Count 1>>")
    pdf.add(
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 99]/Contents 4 0 R"
        "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"
    )
    pdf.add_stream(f"BT/F 12 Tf 9 50 Td({_escape(text)})Tj ET")
    return pdf.build(1)


def drawn(text, size=(1240, 1000), height=40, mode="L"):
    """A picture of text as a scanner would give it."""
    image = Image.new(mode, size, "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=height)
    for number, line in enumerate(text.split("\n")):
        pen.text((60, 60 + number * int(height * 1.6)), line, fill="black", font=font)
    return image


def picture(text, kind="PNG", **options):
    out = io.BytesIO()
    drawn(text, mode="RGB").save(out, kind, dpi=(150, 150), **options)
    return out.getvalue()


def tiff(texts):
    out = io.BytesIO()
    first, *rest = [drawn(text) for text in texts]
    first.save(out, "TIFF", save_all=True, append_images=rest, compression="tiff_deflate", dpi=(150, 150))
    return out.getvalue()


def scanned_pdf(texts):
    out = io.BytesIO()
    first, *rest = [drawn(text) for text in texts]
    first.save(out, "PDF", save_all=True, append_images=rest, resolution=150)
    return out.getvalue()


def epub(chapters):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(zipfile.ZipInfo("mimetype"), "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
            "</container>",
        )
        items = "".join(
            f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
        )
        spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
        book.writestr(
            "OEBPS/book.opf",
            '<?xml version="1.0"?><package version="2.0" xmlns="http://www.idpf.org/2007/opf" unique-identifier="id">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A book</dc:title>'
            '<dc:identifier id="id">book-1</dc:identifier><dc:language>en</dc:language></metadata>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for n, text in enumerate(chapters):
            body = "".join(f"<p>{line}</p>" for line in text.split("\n"))
            book.writestr(
                f"OEBPS/c{n}.xhtml",
                '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>c</title></head>'
                f"<body>{body}</body></html>",
            )
    return out.getvalue()


def plain_text(pages=2):
    return "\f".join(prose(page) + "\n" for page in range(1, pages + 1)).encode()


def encrypted(data, password):
    out = io.BytesIO()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(password, algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


# ---- slow ones ------------------------------------------------------------------------------------------------------


def _busy_form(pdf, draws, levels):
    """A form that draws forms that draw forms: `draws` to the power of `levels` short texts in a few hundred bytes."""
    form = pdf.add_stream(
        "BT /F1 1 Tf 10 10 Td (x) Tj ET",
        f"/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /Font << /F1 {pdf.font} 0 R >> >>",
    )
    for _ in range(levels):
        form = pdf.add_stream(
            "/X Do " * draws,
            f"/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /XObject << /X {form} 0 R >> >>",
        )
    return form


def slow_pdf(pages, draws=10, levels=3, slow=None):
    """Text pages; those of `slow` (all, unless given) draw draws**levels letters besides."""
    pdf = PagedPdf()
    form = _busy_form(pdf, draws, levels)
    for page in range(1, pages + 1):
        if slow is None or page in slow:
            pdf.page(_lines(prose(page)) + "/X Do", resources=f"/XObject << /X {form} 0 R >>")
        else:
            pdf.text_page(prose(page))
    return pdf.bytes()


def hanging_pdf(pages=3, hanging=(2,)):
    """Reading a hanging page takes years; the others are ordinary."""
    return slow_pdf(pages, draws=10, levels=12, slow=set(hanging))


# ---- broken and malicious ones --------------------------------------------------------------------------------------


def _break_deflate(data):
    return data[:2] + bytes(255 - byte for byte in data[2:])


def pdf_with_damaged_pages(pages=3, damaged=(2,)):
    pdf = PagedPdf()
    for page in range(1, pages + 1):
        if page in damaged:
            pdf.text_page(prose(page), deflate=True, damage=_break_deflate)
        else:
            pdf.text_page(prose(page))
    return pdf.bytes()


def pdf_without_pages():
    return PagedPdf().bytes()


def deflated(byte, megabytes):
    """So many megabytes of one byte, deflated; made of one megabyte's worth, said again and again."""
    block = byte * (1 << 20)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = squeeze.compress(block) + squeeze.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(megabytes):
        checksum = zlib.adler32(block, checksum)
    return b"\x78\xda" + piece * megabytes + b"\x03\x00" + checksum.to_bytes(4, "big")


def deflate_bomb_pdf(megabytes=2000, pages=3, bomb=2):
    """A page whose content is two gigabytes of blanks, deflated twice: a few kilobytes."""
    twice = zlib.compress(deflated(b" ", megabytes), 9)
    pdf = PagedPdf()
    for page in range(1, pages + 1):
        if page != bomb:
            pdf.text_page(prose(page))
            continue
        stream = pdf.add_stream(twice, "/Filter [/FlateDecode /FlateDecode]")
        pdf.page_object(
            f"<< /Type /Page /Parent {pdf.tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R /Resources << >> >>"
        )
    return pdf.bytes()


def string_bomb_pdf(megabytes=400):
    """A page that shows one text of 400 megabytes."""
    squeeze = zlib.compressobj(1)
    words = b"word " * 200_000
    pieces = [squeeze.compress(b"BT /F1 9 Tf (")]
    pieces += [squeeze.compress(words) for _ in range(megabytes)]
    pieces += [squeeze.compress(b") Tj ET"), squeeze.flush()]
    pdf = PagedPdf()
    stream = pdf.add_stream(b"".join(pieces), "/Filter /FlateDecode")
    pdf.page_object(
        f"<< /Type /Page /Parent {pdf.tree} 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R "
        f"/Resources << /Font << /F1 {pdf.font} 0 R >> >> >>"
    )
    return pdf.bytes()


def image_bomb_pdf(edge=60000):
    """A page that is one picture of 3.6 gigapixels."""
    pdf = PagedPdf()
    image = pdf.add_stream(
        deflated(b"\0", edge * edge // (1 << 20) + 1),
        f"/Type /XObject /Subtype /Image /Width {edge} /Height {edge} /ColorSpace /DeviceGray /BitsPerComponent 8 "
        "/Filter /FlateDecode",
    )
    pdf.page("q 595 0 0 842 0 0 cm /I Do Q", resources=f"/XObject << /I {image} 0 R >>")
    return pdf.bytes()


def png_chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png_bomb(edge=60000):
    """A picture that unpacks to three and a half gigabytes of grey."""
    head = edge.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    data = deflated(b"\0", (edge + 1) * edge // (1 << 20) + 1)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def epub_bomb(megabytes=600):
    """A book whose only chapter unpacks to gigabytes."""
    out = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(epub(["x"])))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for item in source.infolist():
            if not item.filename.endswith(".xhtml"):
                book.writestr(item, source.read(item))
        with book.open("OEBPS/c0.xhtml", "w", force_zip64=True) as chapter:
            chapter.write(b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>')
            for _ in range(megabytes):
                chapter.write(b"word " * (1 << 18))
            chapter.write(b"</p></body></html>")
    return out.getvalue()


def nested_arrays_pdf(depth=200_000):
    pdf = PagedPdf()
    pdf.text_page(prose(1))
    pdf.page("[" * depth + "]" * depth + " TJ")
    pdf.page_object(
        f"<< /Type /Page /Parent {pdf.tree} 0 R /MediaBox {'[' * depth}0 0 1 1{']' * depth} /Resources << >> >>"
    )
    return pdf.bytes()


def page_tree_loop_pdf():
    pdf = Pdf()
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>")
    pdf.add("<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 1000000 >>")
    pdf.add("<< /Type /Pages /Kids [2 0 R 3 0 R] /Parent 2 0 R /Count 1000000 >>")
    return pdf.build(1)


def deep_page_tree_pdf(depth=20_000):
    pdf = Pdf()
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>")
    for n in range(depth):
        pdf.add(f"<< /Type /Pages /Kids [{n + 3} 0 R] /Count 1 >>")
    pdf.add("<< /Type /Page /MediaBox [0 0 100 100] /Resources << >> >>")
    return pdf.build(1)


def self_drawing_form_pdf():
    pdf = PagedPdf()
    form = pdf.reserve()
    body = "/X Do /X Do"
    pdf.put(
        form,
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {form} 0 R >> >> "
        f"/Length {len(body)} >>\nstream\n{body}\nendstream",
    )
    pdf.page(_lines(prose(1)) + "/X Do", resources=f"/XObject << /X {form} 0 R >>")
    return pdf.bytes()


def object_stream_loop_pdf():
    """A compressed object whose container says that it lies within itself."""
    return (
        b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Extends 2 0 R /Length 2 0 R >>\nstream\n2 0 2 0 R\nendstream\nendobj\n"
        b"trailer\n<< /Root 1 0 R /Prev 0 /Size 3 >>\nstartxref\n0\n%%EOF\n"
    )


def million_pages_claimed_pdf():
    """A page tree that claims two thousand million pages and has one."""
    pdf = PagedPdf()
    pdf.text_page(prose(1))
    return pdf.bytes().replace(b"/Count 1", b"/Count 2147483647")


def mutilated(data, seed):
    """The document with bytes changed, taken out, doubled or cut off; the same for the same seed."""
    dice = random.Random(seed)
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 3, 10, 40])):
        kind = dice.randrange(5)
        at = dice.randrange(20, len(data))
        if kind == 0:
            data[at] = dice.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 2:
            del data[at : at + dice.randrange(1, 30)]
        elif kind == 3:
            piece = data[at : at + dice.randrange(1, 60)]
            data[at:at] = piece
        else:
            digits = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
            data[dice.choice(digits)] = 48 + dice.randrange(10)
    if dice.random() < 0.3:
        del data[dice.randrange(len(data) // 4, len(data)) :]
    return bytes(data)
