"""Hostile PDFs: in their table of objects, their pages, sizes and coordinates, content, fonts and streams."""

import io
import struct
import zlib

import papers
from hostile import Collection
from papers import PagedPdf, Pdf, prose

documents = Collection()
variants = documents.variants
LINE = "BT /F1 11 Tf 72 700 Td (A line of text.) Tj ET\n"


def page_with(content, resources="", entries="", box="[0 0 595 842]", more=()):
    """A PDF with one good page and one as given; `more` are objects with the numbers 100 and up."""
    pdf = PagedPdf()
    pdf.text_page(prose(1))
    stream = pdf.add_stream(content)
    pdf.page_object(
        f"<< /Type /Page /Parent {pdf.tree} 0 R /MediaBox {box} /Contents {stream} 0 R "
        f"/Resources << /Font << /F1 {pdf.font} 0 R >> {resources} >> {entries} >>"
    )
    while len(pdf.objects) < 99 and more:
        pdf.add("null")
    for body in more:
        pdf.add(body)
    return pdf.bytes()


def stream_of(data, entries=""):
    data = data.encode("latin-1") if isinstance(data, str) else data
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries.encode(), len(data), data)


# ---- the table of objects -------------------------------------------------------------------------------------------

PLAIN = papers.text_pdf(1, deflate=False)


def _retold(old, new, data=PLAIN):
    changed = data.replace(old, new)
    assert changed != data, old
    return changed


variants(
    "pdf",
    "startxref",
    {"negative": b"-1", "far": b"99999999999999999999", "at_itself": b"9", "word": b"here"},
    lambda value: PLAIN[: PLAIN.rindex(b"startxref")] + b"startxref\n" + value + b"\n%%EOF\n",
)


@documents.one("pdf")
def tables_that_follow_each_other_round():
    start = PLAIN.rindex(b"xref\n0 ")
    return _retold(b"trailer\n<< ", b"trailer\n<< /Prev %d /XRefStm %d " % (start, start))


@documents.one("pdf")
def thousand_tables():
    data = PLAIN
    place = int(data[data.rindex(b"startxref") :].split()[1])
    out = io.BytesIO()
    out.write(data)
    for _ in range(2000):
        next_place = out.tell()
        out.write(
            b"xref\n0 0\ntrailer\n<< /Size 7 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (place, next_place)
        )
        place = next_place
    return out.getvalue()


variants(
    "pdf",
    "table",
    {
        "of_billions": b"xref\n0 4294967295\n",
        "from_far": b"xref\n2147483640 20\n",
        "negative": b"xref\n-5 20\n",
    },
    lambda head: PLAIN[: PLAIN.rindex(b"xref\n0 ")] + head + PLAIN[PLAIN.rindex(b"xref\n0 ") + 9 :],
)


def _xref_stream(entries):
    pdf = io.BytesIO()
    pdf.write(
        b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >"
        b">\nendobj\n"
    )
    start = pdf.tell()
    pdf.write(b"3 0 obj\n" + stream_of(bytes(64), f"/Type /XRef /Root 1 0 R {entries}") + b"\nendobj\n")
    pdf.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return pdf.getvalue()


variants(
    "pdf",
    "table_stream",
    {
        "wide": "/Size 4 /W [8 8 8]",
        "wider": "/Size 4 /W [2147483647 2147483647 2147483647]",
        "negative": "/Size 4 /W [-1 2 -1]",
        "of_billions": "/Size 2147483647 /W [1 2 1] /Index [0 2147483647]",
        "of_itself": "/Size 4 /W [1 2 1] /Prev 9 /XRefStm 9",
        "without_width": "/Size 4 /W [0 0 0] /Index [0 100000000]",
    },
    _xref_stream,
)

variants(
    "pdf",
    "length",
    {"of_itself": "4 0 R", "negative": "-1", "huge": "9223372036854775807", "a_word": "/Long", "of_another": "2 0 R"},
    lambda length: (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] "
        b"/Count 1 >>\nendobj\n"
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>\nendobj\n"
        b"4 0 obj\n<< /Length "
        + length.encode()
        + b" >>\nstream\n0 0 m\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n"
    ),
)

variants(
    "pdf",
    "object_stream",
    {
        "of_billions": "/N 2147483647 /First 10",
        "negative": "/N -1 /First -1",
        "first_far": "/N 2 /First 2147483647",
        "of_itself": "/N 1 /First 4 /Extends 4 0 R",
    },
    lambda entries: (
        b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 5 0 R >>\nendobj\n4 0 obj\n"
        + stream_of("5 0 6 9 << /Type /Pages /Kids [6 0 R] /Count 1 >> << /Type /Page >>", f"/Type /ObjStm {entries}")
        + b"\nendobj\ntrailer\n<< /Root 1 0 R >>\n"
    ),
)


@documents.one("pdf")
def references_in_a_ring():
    pdf = Pdf()
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>")
    for number in range(2, 200):
        pdf.add(f"{number + 1} 0 R")
    pdf.add("2 0 R")
    return pdf.build(1)


@documents.one("pdf")
def linearized_lie():
    return PLAIN.replace(
        b"%PDF-1.5\n",
        b"%PDF-1.5\n99 0 obj\n<< /Linearized 1 /L 1 /H [0 -1] /O 2147483647 /E -5 /N 2147483647 /T -1 >>\nendobj\n",
    )


variants(
    "pdf",
    "encryption",
    {
        "short": "<< /Filter /Standard /V 5 /R 6 /O (x) /U (y) /OE () /UE () /Perms () /P -1 /Length -8 >>",
        "long_key": "<< /Filter /Standard /V 2 /R 3 /O (x) /U (y) /P 0 /Length 2147483640 >>",
        "of_itself": "<< /Filter /Standard /V 4 /R 4 /CF << /StdCF << /CFM /AESV2 /Length 99999 >> >> /StmF /StdCF "
        "/StrF /Nowhere /P 1 >>",
        "unknown": "<< /Filter /Nobody /V 77 >>",
    },
    lambda entry: papers.text_pdf(1, deflate=False).replace(
        b"/Root 1 0 R", b"/Root 1 0 R /ID [(a) (b)] /Encrypt " + entry.encode()
    ),
)

# ---- the tree of pages ----------------------------------------------------------------------------------------------


def _tree(count="1", kids="[3 0 R]", page="<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>"):
    pdf = Pdf()
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>")
    pdf.add(f"<< /Type /Pages /Kids {kids} /Count {count} >>")
    pdf.add(page)
    return pdf.build(1)


variants(
    "pdf",
    "count",
    {
        "billion": "1000000000",
        "negative": "-3",
        "real": "1e9",
        "word": "(many)",
        "of_itself": "2 0 R",
        "overflow": "4294967297",
    },
    lambda count: _tree(count=count),
)
variants(
    "pdf",
    "kids",
    {
        "same_page_again": "[" + "3 0 R " * 200_000 + "]",
        "of_itself": "2 0 R",
        "numbers": "[1 2 3]",
        "nowhere": "[77 0 R 78 0 R]",
        "nested": "[" * 5000 + "3 0 R" + "]" * 5000,
    },
    lambda kids: _tree(count="200000", kids=kids),
)


@documents.one("pdf")
def parents_in_a_ring():
    pdf = Pdf()
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>")
    pdf.add("<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 4 0 R >>")
    pdf.add("<< /Type /Page /Parent 4 0 R >>")
    pdf.add("<< /Type /Pages /Parent 2 0 R >>")
    return pdf.build(1)


@documents.one("pdf")
def tree_of_itself_twice():
    """Each level holds the next one twice: 2 to the 40 pages in 41 objects."""
    pdf = Pdf()
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>")
    for level in range(40):
        pdf.add(f"<< /Type /Pages /Kids [{level + 3} 0 R {level + 3} 0 R] /Count {2 ** (40 - level)} >>")
    pdf.add("<< /Type /Page /MediaBox [0 0 99 99] >>")
    return pdf.build(1)


@documents.one("pdf")
def tree_of_itself_twice_that_counts_wrong():
    return tree_of_itself_twice().replace(b"/Count ", b"/Kount ")


# ---- sizes and coordinates ------------------------------------------------------------------------------------------

variants(
    "pdf",
    "box",
    {
        "huge": "[0 0 1000000000 1000000000]",
        "beyond_floats": "[-1e39 -1e39 1e39 1e39]",
        "many_digits": "[0 0 " + "9" * 400 + " 5]",
        "inside_out": "[595 842 0 0]",
        "empty": "[5 5 5 5]",
        "thin": "[0 0 0.0000001 1000000]",
        "words": "[(a) (b) /c nan]",
        "far_off": "[16777216 16777216 16777217 16777217]",
        "of_itself": "2 0 R",
    },
    lambda box: page_with(LINE, box=box),
)
variants(
    "pdf",
    "page",
    {
        "huge_unit": "/UserUnit 1000000000",
        "negative_unit": "/UserUnit -1",
        "turned": "/Rotate 2147483647",
        "askew": "/Rotate 45",
        "cropped_away": "/CropBox [9000 9000 9001 9001]",
        "with_itself": "/Annots [<< /Type /Annot /Subtype /Widget /Rect [0 0 1e30 1e30] /Parent 2 0 R /AP << /N 2 0 "
        "R >> >> 2 0 R]",
        "metadata": "/Metadata 2 0 R /PieceInfo 2 0 R /Group << /S /Transparency /CS 2 0 R /K true /I true >>",
    },
    lambda entries: page_with(LINE, entries=entries),
)
variants(
    "pdf",
    "text",
    {
        "far": "BT /F1 11 Tf 1e30 1e30 Td (far) Tj ET",
        "beyond": "BT /F1 1e38 Tf 1e38 0 0 1e38 1e38 1e38 Tm (beyond) Tj ET",
        "beyond_half": "BT /F1 1e19 Tf 1e19 0 0 1e19 50 50 Tm (beyond) Tj ET",
        "outside_points": "BT /F1 12 Tf 1 0 0 1 5000000 50 Tm (out) Tj 1 0 0 1 50 50 Tm (in) Tj ET",
        "flat": "BT /F1 12 Tf 0 0 0 0 50 50 Tm (flat) Tj ET",
        "nan": "1e38 0 0 1e38 0 0 cm 1e38 0 0 1e38 0 0 cm -1e38 0 0 1 0 0 cm BT /F1 9 Tf 5 5 Td (nan) Tj ET",
        "spread": "BT /F1 12 Tf 1e35 Tc 1e35 Tw 1e35 Tz 1e35 TL 1e35 Ts (a b c) ' (d e f) ' ET",
        "kerned": "BT /F1 12 Tf 50 50 Td [(a) 1e38 (b) -1e38 (c) 1e38 (d)] TJ ET",
        "negative_size": "BT /F1 -12 Tf 50 50 Td (negative) Tj ET",
        "sheared": "BT /F1 12 Tf 1e-30 1e30 1e30 1e-30 50 50 Tm (sheared) Tj ET",
        "without_font": "BT /Nobody 12 Tf 50 50 Td (nobody) Tj ET",
    },
    page_with,
)

# ---- what a page draws ----------------------------------------------------------------------------------------------

variants(
    "pdf",
    "content",
    {
        "saved_a_million_times": "q " * 1_000_000 + LINE,
        "restored_a_million_times": "Q " * 1_000_000 + LINE,
        "marked_a_million_times": "/A BMC " * 300_000 + LINE,
        "clipped_often": "0 0 500 800 re W n " * 20_000 + LINE,
        "dashes": "[0.00001 0.00001] 0 d 1 w 0 0 m 500000 800000 l S " + LINE,
        "dashes_of_nothing": "[0 0 0] 0 d 0 0 m 500 800 l S [-1 1] 0 d 0 0 m 9 9 l S " + LINE,
        "wide_line": "1e30 w 1e30 M 0 0 m 500 800 l 1e30 1e30 l S " + LINE,
        "curves": "0 0 m " + "1e9 1e9 -1e9 1e9 500 800 c " * 2000 + "S " + LINE,
        "long_path": "0 0 m " + "1 1 l 500 800 l " * 200_000 + "f " + LINE,
        "unfinished_picture": "BI /W 2147483647 /H 2147483647 /BPC 16 /CS /RGB ID " + "x" * 100,
        "negative_picture": "BI /W -5 /H -5 /BPC -8 /CS /G ID xxxx EI " + LINE,
        "long_number": "9" * 100_000 + " 0 m " + LINE,
        "long_name": "/" + "N" * 1_000_000 + " gs " + LINE,
        "half_a_string": "BT /F1 9 Tf 50 50 Td (" + "\\" * 9999,
        "operators_without_operands": "cm Tm re c l m Do gs sh Tj TJ ' \" BDC d K scn " * 500 + LINE,
        "unknown_operators": "frobnicate " * 100_000 + LINE,
    },
    page_with,
)


def _with_form(body, entries="/BBox [0 0 9 9]"):
    return page_with(
        LINE + "/X Do", "/XObject << /X 100 0 R >>", more=[stream_of(body, f"/Type /XObject /Subtype /Form {entries}")]
    )


variants(
    "pdf",
    "form",
    {
        "masked_by_itself": "/BBox [0 0 9 9] /Resources << /ExtGState << /G << /SMask << /S /Luminosity /G 100 0 R >"
        "> >> >> >> "
        "/Group << /S /Transparency >>",
        "flat": "/BBox [0 0 9 9] /Matrix [0 0 0 0 0 0]",
        "huge": "/BBox [-1e38 -1e38 1e38 1e38] /Matrix [1e20 0 0 1e20 0 0] /Group << /S /Transparency /I true >>",
        "with_layers_of_themselves": "/BBox [0 0 9 9] /OC << /Type /OCMD /OCGs 100 0 R /VE [/And 100 0 R] >>",
    },
    lambda entries: _with_form("/G gs 0 0 9 9 re f", entries),
)


@documents.one("pdf")
def forms_a_thousand_deep():
    depth = 3000
    forms = [
        stream_of(
            "/X Do", f"/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /XObject << /X {101 + n} 0 R >> >>"
        )
        for n in range(depth)
    ]
    return page_with(
        LINE + "/X Do",
        "/XObject << /X 100 0 R >>",
        more=forms + [stream_of("0 0 9 9 re f", "/Subtype /Form /BBox [0 0 9 9]")],
    )


@documents.one("pdf")
def groups_in_groups():
    """Forty transparency groups, each as large as the page and each drawing the next twice."""
    forms = [
        stream_of(
            "/G gs /X Do /X Do",
            "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Group << /S /Transparency /I true >> "
            f"/Resources << /ExtGState << /G << /ca 0.5 /BM /Multiply >> >> /XObject << /X {101 + n} 0 R >> >>",
        )
        for n in range(40)
    ]
    forms.append(stream_of("0 0 9 9 re f", "/Type /XObject /Subtype /Form /BBox [0 0 9 9]"))
    return page_with("/X Do", "/XObject << /X 100 0 R >>", more=forms)


def _with_pattern(pattern, content="/Pattern cs /P scn 0 0 595 842 re f"):
    return page_with(content, "/Pattern << /P 100 0 R >>", more=[pattern])


variants(
    "pdf",
    "tiles",
    {
        "tiny": "/BBox [0 0 1 1] /XStep 0.0001 /YStep 0.0001",
        "of_no_step": "/BBox [0 0 1 1] /XStep 0 /YStep 0",
        "negative": "/BBox [0 0 1 1] /XStep -1e-30 /YStep 1e30",
        "huge": "/BBox [0 0 1e9 1e9] /XStep 1e9 /YStep 1e9 /Matrix [1e5 0 0 1e5 0 0]",
        "of_themselves": "/BBox [0 0 9 9] /XStep 9 /YStep 9 /Resources << /Pattern << /P 100 0 R >> >>",
    },
    lambda entries: _with_pattern(
        stream_of(
            "/Pattern cs /P scn 0 0 1 1 re f", f"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 {entries}"
        )
    ),
)

CURVES = "<< /FunctionType 2 /Domain [0 1] /C0 [0] /C1 [1] /N 1 >>"
variants(
    "pdf",
    "shading",
    {
        "of_points": f"<< /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 1e38 1e38] /Extend [true true] "
        f"/Function {CURVES} >>",
        "of_circles": f"<< /ShadingType 3 /ColorSpace /DeviceGray /Coords [0 0 1e30 1 1 -1e30] /Extend [true true] "
        f"/Function {CURVES} >>",
        "of_itself": "<< /ShadingType 1 /ColorSpace /DeviceGray /Domain [-1e30 1e30 -1e30 1e30] /Function 100 0 R >>",
        "without_curve": "<< /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 1 1] >>",
        "of_many_colours": f"<< /ShadingType 2 /ColorSpace [/DeviceN [{'/A ' * 500}] /DeviceGray {CURVES}] /Coords "
        f"[0 0 9 9] /Function {CURVES} >>",
    },
    lambda shading: page_with("/S sh", "/Shading << /S 100 0 R >>", more=[shading]),
)
variants(
    "pdf",
    "mesh",
    {"triangles": 4, "lattice": 5, "patches": 6, "more_patches": 7},
    lambda kind: page_with(
        "/S sh",
        "/Shading << /S 100 0 R >>",
        more=[
            stream_of(
                bytes(n * 37 % 256 for n in range(200_000)),
                f"/ShadingType {kind} /ColorSpace /DeviceGray /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 "
                f"/VerticesPerRow {2147483647 if kind == 5 else 2} /Decode [-1e30 1e30 -1e30 1e30 0 1]",
            )
        ],
    ),
)


def _with_function(function):
    return page_with(
        "/S sh " + LINE,
        "/Shading << /S << /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 595 842] /Function 100 0 R >> >>",
        more=[function],
    )


variants(
    "pdf",
    "function",
    {
        "of_samples": stream_of(
            bytes(100), f"/FunctionType 0 /Domain [{'0 1 ' * 16}] /Range [0 1] /Size [{'1000 ' * 16}] /BitsPerSample 32"
        ),
        "of_few_samples": stream_of(
            b"", "/FunctionType 0 /Domain [0 1] /Range [0 1] /Size [2147483647] /BitsPerSample 32"
        ),
        "of_itself": b"<< /FunctionType 3 /Domain [0 1] /Functions [100 0 R 100 0 R] /Bounds [0.5] /Encode [0 1 0 "
        b"1] >>",
        "of_no_range": b"<< /FunctionType 3 /Domain [1 0] /Functions [] /Bounds [] /Encode [] >>",
        "of_powers": b"<< /FunctionType 2 /Domain [-1e30 1e30] /C0 [1e38] /C1 [-1e38] /N -1e30 >>",
        "deep": stream_of("{" * 20_000 + "}" * 20_000, "/FunctionType 4 /Domain [0 1] /Range [0 1]"),
        "long": stream_of("{ " + "dup mul " * 100_000 + "}", "/FunctionType 4 /Domain [0 1] /Range [0 1]"),
        "rolling": stream_of(
            "{ 2147483647 -2147483648 roll 99999 index 2147483647 copy }", "/FunctionType 4 /Domain [0 1] /Range [0 1]"
        ),
    },
    _with_function,
)

variants(
    "pdf",
    "colour",
    {
        "of_itself": "[/Indexed 100 0 R 255 (x)]",
        "separated_from_itself": f"[/Separation /A 100 0 R {CURVES}]",
        "of_many_parts": f"[/DeviceN [{'/A ' * 2000}] /DeviceGray {CURVES}]",
        "of_no_profile": "[/ICCBased 2 0 R]",
        "deep": "[/Indexed " * 2000 + "/DeviceGray" + " 1 (ab)]" * 2000,
    },
    lambda space: page_with("/C cs 0 0 0 scn 9 9 99 99 re f " + LINE, "/ColorSpace << /C 100 0 R >>", more=[space]),
)

# ---- fonts ----------------------------------------------------------------------------------------------------------


def _with_font(font, *more, text="(AAAA) Tj"):
    pdf = page_with(f"BT /G 12 Tf 50 50 Td {text} ET", "", more=[font, *more])
    return pdf.replace(b"/Font << /F1 3 0 R >>  >>", b"/Font << /F1 3 0 R /G 100 0 R >>  >>")


TYPE3 = (
    "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix {matrix} /FirstChar 65 /LastChar 65 "
    "/Widths [1000] "
    "/Encoding << /Differences [65 /A] >> /CharProcs << /A 101 0 R >> /Resources << /Font << /G 100 0 R >> >> >>"
)
variants(
    "pdf",
    "font",
    {
        "that_writes_itself": (
            TYPE3.format(matrix="[0.001 0 0 0.001 0 0]"),
            stream_of("1000 0 d0 BT /G 1 Tf (AAAAAAAAAA) Tj ET"),
        ),
        "of_no_size": (TYPE3.format(matrix="[0 0 0 0 0 0]"), stream_of("1000 0 0 0 1000 1000 d1 0 0 9 9 re f")),
        "beyond": (TYPE3.format(matrix="[1e30 0 0 1e30 0 0]"), stream_of("1e38 0 0 0 1e38 1e38 d1 0 0 1e38 1e38 re f")),
        "with_bad_widths": (
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar -2147483648 /LastChar 2147483647 "
            "/Widths [1e38] >>",
        ),
        "with_bad_encoding": (
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [-5 /A 2147483647 /B /C "
            "/D] >> >>",
        ),
        "of_itself": (
            "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [100 0 R] "
            "/ToUnicode 100 0 R >>",
        ),
        "of_garbage": (
            "<< /Type /Font /Subtype /TrueType /BaseFont /X /FontDescriptor << /Type /FontDescriptor /FontName /X "
            "/Flags 4 /FontFile2 101 0 R >> >>",
            stream_of(b"\0\1\0\0" + bytes(n * 7 % 256 for n in range(5000))),
        ),
        "of_old_garbage": (
            "<< /Type /Font /Subtype /Type1 /BaseFont /X /FontDescriptor << /Type /FontDescriptor /FontName /X "
            "/Flags 4 /FontFile 101 0 R >> >>",
            stream_of(
                b"%!PS-AdobeFont-1.0\n" + b"/FontMatrix [1e30 0 0 1e-30 0 0] def " * 500,
                "/Length1 99999999 /Length2 -1",
            ),
        ),
    },
    lambda objects: _with_font(*objects),
)


def _with_unicode(cmap, entries=""):
    return _with_font(
        "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [102 0 R] /ToUnicode "
        "101 0 R >>",
        stream_of(cmap, entries),
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering "
        "(Identity) /Supplement 0 >> "
        "/W [0 2147483647 500 -5 [1 2 3]] /CIDToGIDMap 101 0 R >>",
        text="<0001000200030004> Tj",
    )


variants(
    "pdf",
    "letters",
    {
        "of_every_code": "1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange 1 beginbfrange <00000000> "
        "<FFFFFFFF> <0041> endbfrange",
        "backwards": "1 begincodespacerange <FFFF> <0000> endcodespacerange 1 beginbfrange <FFFF> <0000> <0041> "
        "endbfrange",
        "long": "1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfchar <0001> <"
        + "D83D" * 20_000
        + "> endbfchar",
        "no_letters": "1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfchar <0001> <D800> <0002> "
        "<0000> <0003> <FFFE> <0004> <202E> endbfchar",
        "many": "1 begincodespacerange <0000> <FFFF> endcodespacerange 60000 beginbfchar "
        + " ".join(f"<{n:04x}> <{n:04x}0041>" for n in range(60_000))
        + " endbfchar",
    },
    _with_unicode,
)


@documents.one("pdf")
def letters_of_themselves():
    return _with_unicode("/X usecmap", "/UseCMap 101 0 R")


# ---- streams and filters --------------------------------------------------------------------------------------------


def _picture_object(data, entries, width=100, height=100):
    return page_with(
        "60 0 0 60 100 100 cm /I Do",
        "/XObject << /I 100 0 R >>",
        more=[stream_of(data, f"/Type /XObject /Subtype /Image /Width {width} /Height {height} {entries}")],
    )


GREY = "/ColorSpace /DeviceGray /BitsPerComponent 8"
variants(
    "pdf",
    "filters",
    {
        "hundredfold": (b"x" * 100, f"{GREY} /Filter [{'/ASCIIHexDecode ' * 500}]"),
        "of_themselves": (b"x", f"{GREY} /Filter 100 0 R"),
        "unknown": (b"x", f"{GREY} /Filter /Frobnicate"),
        "predicted": (
            zlib.compress(bytes(1000)),
            f"{GREY} /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 2147483647 "
            f"/BitsPerComponent 32 >>",
        ),
        "run_lengths": (b"\x81\0" * 50_000, f"{GREY} /Filter /RunLengthDecode"),
        "lzw": (
            b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" * 5000,
            f"{GREY} /Filter /LZWDecode /DecodeParms << /EarlyChange -7 >>",
        ),
        "fax": (
            b"\0\x10\x01" * 1000,
            "/ImageMask true /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 2147483647 "
            "/Rows 2147483647 >>",
        ),
        "fax_without_columns": (
            b"\0\x10\x01" * 1000,
            "/ImageMask true /Filter /CCITTFaxDecode /DecodeParms << /K 0 /Columns -1 /Rows -1 >>",
        ),
        "jpeg_cut": (
            papers.picture("x", "JPEG")[:700],
            "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
        ),
        "jbig2_wide": (
            struct.pack(">IBBBIIIIIBH", 0, 0x30, 0, 1, 19, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0),
            "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode",
        ),
        "jbig2_of_itself": (
            b"\0" * 50,
            "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode /DecodeParms << /JBIG2Globals 100 0 R >>",
        ),
        "jpx_wide": (
            b"\xff\x4f\xff\x51\0\x29\0\0"
            + struct.pack(">8I", 0x7FFFFFFF, 0x7FFFFFFF, 0, 0, 1, 1, 0, 0)
            + b"\0\1\x07\1\1\xff\x93"
            + bytes(99),
            "/Filter /JPXDecode",
        ),
    },
    lambda case: _picture_object(*case),
)
variants(
    "pdf",
    "picture",
    {
        "of_no_size": (b"x" * 100, GREY, 0, 0),
        "negative": (b"x" * 100, GREY, -100, -100),
        "of_billions": (b"x" * 100, GREY, 2147483647, 2147483647),
        "one_pixel_high": (b"x" * 100, GREY, 100_000_000, 1),
        "of_odd_depth": (b"x" * 100, "/ColorSpace /DeviceGray /BitsPerComponent 31", 100, 100),
        "masked_by_itself": (
            b"x" * 10_000,
            GREY + " /SMask 100 0 R /Mask 100 0 R /Alternates [<< /Image 100 0 R >>]",
            100,
            100,
        ),
        "decoded_beyond": (b"x" * 10_000, GREY + " /Decode [-1e38 1e38] /Matte [1e38]", 100, 100),
        "elsewhere": (b"x" * 10_000, GREY + " /F (/etc/passwd) /FFilter /ASCIIHexDecode", 100, 100),
        "on_the_web": (b"", GREY + " /F << /FS /URL /F (http://127.0.0.1:1/) >>", 100, 100),
    },
    lambda case: _picture_object(*case),
)


@documents.one("pdf")
def deflate_bomb_in_a_font():
    bomb = zlib.compress(papers.deflated(b"\0", 300), 9)
    return _with_font(
        "<< /Type /Font /Subtype /TrueType /BaseFont /X /FontDescriptor << /Type /FontDescriptor /FontName /X "
        "/Flags 4 /FontFile2 101 0 R >> >>",
        stream_of(bomb, "/Filter [/FlateDecode /FlateDecode]"),
    )


@documents.one("pdf")
def deflate_bomb_in_an_object_stream():
    bomb = zlib.compress(papers.deflated(b" ", 100), 9)
    return (
        b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 5 0 R >>\nendobj\n4 0 obj\n"
        + stream_of(bomb, "/Type /ObjStm /N 2 /First 300000000 /Filter [/FlateDecode /FlateDecode]")
        + b"\nendobj\ntrailer\n<< /Root 1 0 R >>\n"
    )


# ---- what a document brings along -----------------------------------------------------------------------------------

variants(
    "pdf",
    "catalog",
    {
        "script": "/OpenAction << /S /JavaScript /JS (for (;;) app.alert\\(1\\);) >> /AA << /WC << /S /JavaScript "
        "/JS (while\\(1\\){}) >> >>",
        "launch": "/OpenAction << /S /Launch /F (/bin/sh) /Win << /F (cmd.exe) >> >>",
        "files": "/Names << /EmbeddedFiles << /Names [(a) << /Type /Filespec /F (../../etc/passwd) /EF << /F 4 0 R >"
        "> >>] >> >>",
        "names_of_themselves": "/Names << /Dests << /Kids [1 0 R 2 0 R] >> /JavaScript 1 0 R >> /Dests 1 0 R",
        "outlines_of_themselves": "/Outlines << /First 1 0 R /Last 1 0 R /Next 1 0 R /Count 2147483647 >>",
        "labels_of_themselves": "/PageLabels << /Kids [1 0 R] /Nums [-1 << /S /D /St 2147483647 >>] >>",
        "layers_of_themselves": "/OCProperties << /OCGs [1 0 R 1 0 R] /D << /Order [1 0 R [1 0 R]] /ON 1 0 R /AS [1 "
        "0 R] >> >>",
        "forms_of_themselves": "/AcroForm << /Fields [1 0 R] /Kids [1 0 R] /XFA [(a) 1 0 R] /DR 1 0 R >> /Kids [1 0 "
        "R] /Parent 1 0 R",
        "structure_of_itself": "/StructTreeRoot << /Type /StructTreeRoot /K [1 0 R] /ParentTree 1 0 R /RoleMap << "
        "/A /A >> >> /K 1 0 R /MarkInfo << /Marked true >>",
        "names_in_utf16": "/#FE#FF#00A#00#00 (\xfe\xff\xd8\x00\x00) /Lang (\xfe\xff\x00e\x00\x00) /#00 /#00#00",
        "pages_of_itself": "/Pages 1 0 R /Type /Pages /Kids [1 0 R] /Count 5",
        "version": "/Version /9.9 /Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel -1 >> >> /Requirements "
        "[1 0 R]",
    },
    lambda entries: _retold(b"/Type /Catalog ", b"/Type /Catalog " + entries.encode("latin-1") + b" "),
)
