"""Hostile books: bombs, endless styles, files from elsewhere, archives that lie about what is in them."""

import io
import zipfile

import papers
from hostile import Collection
from hostile_pictures import png
from papers import prose

documents = Collection()
variants = documents.variants

XHTML = (
    '<?xml version="1.0"?>{doctype}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>c</title>'
    "{head}</head><body>{body}</body></html>"
)


def _book(chapter=None, files=(), spine=None, container=None, package=None):
    """The book of papers.epub with its chapter, package or container replaced, and more files in it."""
    whole = zipfile.ZipFile(io.BytesIO(papers.epub([prose(1)])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for item in whole.infolist():
            data = whole.read(item)
            if item.filename.endswith("c0.xhtml") and chapter is not None:
                data = chapter
            if item.filename.endswith(".opf") and spine is not None:
                data = data.replace(b"</spine>", spine.encode() + b"</spine>")
            if item.filename.endswith(".opf") and package is not None:
                data = package
            if item.filename.endswith("container.xml") and container is not None:
                data = container
            book.writestr(item, data)
        for name, data in files:
            book.writestr(name, data)
    return out.getvalue()


def _chapter(body="", head="", doctype=""):
    return _book(XHTML.format(body=body, head=head, doctype=doctype))


LAUGHS = (
    "<!DOCTYPE html [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
)
variants(
    "epub",
    "book",
    {
        "of_laughs": lambda: _chapter("<p>&a11;</p>", doctype=LAUGHS),
        "deep": lambda: _chapter("<div>" * 8000 + "x" + "</div>" * 8000),
        "deep_lists": lambda: _chapter("<ul><li>" * 2000 + "x"),
        "deep_tables": lambda: _chapter("<table><tr><td>" * 300 + "x"),
        "wide_table": lambda: _chapter("<table><tr>" + "<td>x</td>" * 20_000 + "</tr></table>"),
        "of_breaks": lambda: _chapter("<br/>" * 20_000),
        "of_one_word": lambda: _chapter("<p>" + "x" * 500_000 + "</p>"),
        "of_huge_letters": lambda: _chapter(
            "<p style='font-size:1e30px; line-height:1e30; margin:1e30em; text-indent:-1e38px'>x</p>"
        ),
        "of_no_letters": lambda: _chapter("<p style='font-size:0; line-height:0; width:0'>x</p>" * 100),
        "of_odd_numbers": lambda: _chapter(
            "<p style='font-size:-5px; margin:calc(1/0); padding:nan; page-break-before:always'>x</p>" * 300
        ),
        "style_of_itself": lambda: _book(
            XHTML.format(body="<p>x</p>", head='<link rel="stylesheet" type="text/css" href="s.css"/>', doctype=""),
            [("OEBPS/s.css", '@import "s.css"; ' * 200 + "p { font-family: x; }")],
        ),
        "many_rules": lambda: _chapter(
            "<p class='a'>x</p>" * 2000,
            head="<style>" + "".join(f"div div > p + .a{n} * {{ color: red }} " for n in range(3000)) + "</style>",
        ),
        "with_files_from_elsewhere": lambda: _chapter(
            "<img src='file:///etc/passwd'/><img src='../../../../etc/passwd'/><img src='http://127.0.0.1:1/x.png'/>"
            "<p>x</p>",
            head='<link rel="stylesheet" href="/etc/passwd"/>',
        ),
        "with_a_drawing_of_itself": lambda: _book(
            XHTML.format(body="<img src='a.svg'/>", head="", doctype=""),
            [
                (
                    "OEBPS/a.svg",
                    "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink' width='1e30' "
                    "height='1e30'><g id='a'><use x:href='#a'/><use x:href='#a'/><image x:href='a.svg' width='9' "
                    "height='9'/></g></svg>",
                )
            ],
        ),
        "with_a_bomb_for_a_picture": lambda: _book(
            XHTML.format(body="<img src='a.png'/><p>x</p>", head="", doctype=""),
            [("OEBPS/a.png", png(30_000, 30_000, rows=bytes(30_000_000)))],
        ),
        "of_many_chapters": lambda: _book(spine='<itemref idref="c0"/>' * 2500),
        "of_no_chapters": lambda: _book(package=b"<package/>"),
        "of_itself": lambda: _book(
            container=b'<container><rootfiles><rootfile full-path="META-INF/container.xml"/></rootfiles></container>'
        ),
        "somewhere_else": lambda: _book(
            container=b'<container><rootfiles><rootfile full-path="../../../../etc/passwd"/></rootfiles></container>'
        ),
        "in_utf16": lambda: _book(
            ("<html><body><p>" + "\u4e2d\u6587 \ud7ff" * 100 + "</p></body></html>").encode("utf-16")
        ),
        "of_no_letters_at_all": lambda: _book(bytes(range(256)) * 100),
        "cut_in_a_tag": lambda: _book("<html><body><p " + "a='b' " * 50_000),
        "of_many_files": lambda: _book(files=[(f"{n}/" * 20, b"") for n in range(5000)]),
        "of_odd_names": lambda: _book(
            files=[
                ("../" * 50 + "etc/passwd", b"x"),
                ("/etc/passwd", b"x"),
                ("a\u202eb\U0001f600", b"x"),
                ("n" * 60_000, b""),
            ]
        ),
        "that_repeats_a_name": lambda: papers.epub([prose(1)])[:-22]
        + papers.epub([prose(1)])[-22:].replace(b"PK\x05\x06\0\0\0\0", b"PK\x05\x06\xff\xff\xff\xff"),
    },
    lambda make: make(),
)


def _zip_field(signature, offset, value):
    """Every record of the kind with the field overwritten."""
    data = bytearray(papers.epub([prose(1)]))
    at = data.find(signature)
    while at >= 0:
        data[at + offset : at + offset + len(value)] = value
        at = data.find(signature, at + 4)
    return bytes(data)


variants(
    "epub",
    "archive",
    {
        "of_large_files": lambda: _zip_field(b"PK\1\2", 24, b"\xfe\xff\xff\xff"),
        "of_larger_files": lambda: _zip_field(b"PK\1\2", 20, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        "of_far_files": lambda: _zip_field(b"PK\1\2", 42, b"\xf0\xff\xff\xff"),
        "of_same_files": lambda: _zip_field(b"PK\1\2", 42, bytes(4)),
        "of_long_names": lambda: _zip_field(b"PK\1\2", 28, b"\xff\xff\xff\xff\xff\xff"),
        "packed_in_an_unknown_way": lambda: _zip_field(b"PK\1\2", 10, b"\x63\0"),
        "encrypted": lambda: _zip_field(b"PK\1\2", 8, b"\xff\xff"),
        "of_many_files": lambda: _zip_field(b"PK\5\6", 8, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        "with_its_list_at_itself": lambda: _zip_field(b"PK\5\6", 16, bytes(4)),
        "without_its_list": lambda: papers.epub([prose(1)])[:-60],
    },
    lambda make: make(),
)
