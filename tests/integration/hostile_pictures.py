"""Hostile pictures: PNG, JPEG and TIFF that lie about their sizes, unpack to gigabytes, or lead in a ring."""

import struct
import zlib

import papers
from hostile import Collection
from papers import png_chunk

documents = Collection()
variants = documents.variants


def png(width, height, depth=8, colour=0, rows=b"\0" * 1000, before=b"", interlaced=0):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + before
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


variants(
    "png",
    "png",
    {
        "of_no_size": lambda: png(0, 0),
        "of_billions": lambda: png(0x7FFFFFFF, 0x7FFFFFFF),
        "too_wide": lambda: png(0xFFFFFFFF, 1),
        "of_odd_depth": lambda: png(10, 10, depth=77, colour=99),
        "interlaced": lambda: png(60_000, 60_000, interlaced=1),
        "profile_bomb": lambda: png(10, 10, before=png_chunk(b"iCCP", b"x\0\0" + papers.deflated(b"\0", 300))),
        "words_bomb": lambda: png(10, 10, before=png_chunk(b"zTXt", b"x\0\0" + papers.deflated(b"a", 300))),
        "long_palette": lambda: png(
            10, 10, colour=3, before=png_chunk(b"PLTE", bytes(30_000)) + png_chunk(b"tRNS", bytes(30_000))
        ),
        "without_end": lambda: papers.picture("x")[:-12],
        "chunk_of_billions": lambda: b"\x89PNG\r\n\x1a\n\x7f\xff\xff\xffIHDR" + bytes(100),
        "of_no_resolution": lambda: png(100, 100, before=png_chunk(b"pHYs", bytes(9)), rows=bytes(10_100)),
        "of_much_resolution": lambda: png(100, 100, before=png_chunk(b"pHYs", b"\xff" * 8 + b"\1"), rows=bytes(10_100)),
        "striped": lambda: png(3000, 3000, depth=1, rows=(b"\0" + b"\xaa" * 375) * 3000),
    },
    lambda make: make(),
)


def _jpeg(old, new):
    data = papers.picture("x", "JPEG")
    at = data.index(old)
    return data[:at] + new + data[at + len(new) :]


variants(
    "jpg",
    "jpeg",
    {
        "of_billions": lambda: _jpeg(b"\xff\xc0", b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\3"),
        "of_no_size": lambda: _jpeg(b"\xff\xc0", b"\xff\xc0\0\x11\x08\0\0\0\0\3"),
        "of_many_colours": lambda: _jpeg(b"\xff\xc0", b"\xff\xc0\0\x11\x08\0\x64\0\x64\xff"),
        "of_many_scans": lambda: papers.picture("x", "JPEG", progressive=True)[:-2]
        + papers.picture("x", "JPEG", progressive=True)[
            papers.picture("x", "JPEG", progressive=True).rindex(b"\xff\xda") : -2
        ]
        * 3000,
        "without_tables": lambda: papers.picture("x", "JPEG").replace(b"\xff\xc4", b"\xff\xfe"),
        "of_comments": lambda: b"\xff\xd8" + b"\xff\xfe\xff\xff" * 50_000 + papers.picture("x", "JPEG")[2:],
    },
    lambda make: make(),
)


def _tiff(tags, more=b"", next_at=0):
    """One folder of tags (number, type, count, value) at 8."""
    out = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag in tags:
        out += struct.pack("<HHII", *tag)
    return out + struct.pack("<I", next_at) + more


def _tags(width=100, height=100, bits=8, compression=1, offset=300, count=10_000, **more):
    tags = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, bits),
        259: (3, 1, compression),
        262: (3, 1, 1),
        273: (4, 1, offset),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, count),
    }
    tags.update({int(number[1:]): value for number, value in more.items()})
    return [(number, *value) for number, value in sorted(tags.items())]


PIXELS = bytes(300) + b"\x55" * 10_000
variants(
    "tiff",
    "tiff",
    {
        "ring": lambda: _tiff(_tags(), PIXELS, next_at=8),
        "of_billions": lambda: _tiff(_tags(width=0xFFFFFFFF, height=0xFFFFFFFF), PIXELS),
        "large": lambda: _tiff(_tags(width=60_000, height=60_000, count=0xFFFFFFFF), PIXELS),
        "of_no_size": lambda: _tiff(_tags(width=0, height=0), PIXELS),
        "of_odd_depth": lambda: _tiff(_tags(bits=65535), PIXELS),
        "of_many_samples": lambda: _tiff(_tags(t277=(3, 1, 65535)), PIXELS),
        "far_strips": lambda: _tiff(_tags(offset=0xFFFFFFF0), PIXELS),
        "many_strips": lambda: _tiff(
            _tags(t273=(4, 0x40000000, 300), t279=(4, 0x40000000, 300), t278=(4, 1, 1)), PIXELS
        ),
        "tiles_of_nothing": lambda: _tiff(
            _tags(t322=(4, 1, 0), t323=(4, 1, 0), t324=(4, 1, 300), t325=(4, 1, 10)), PIXELS
        ),
        "tiles_of_billions": lambda: _tiff(
            _tags(t322=(4, 1, 0x7FFFFFFF), t323=(4, 1, 0x7FFFFFFF), t324=(4, 1, 300), t325=(4, 1, 10)), PIXELS
        ),
        "folder_within": lambda: _tiff(_tags(t330=(4, 1, 8), t34665=(4, 1, 8)), PIXELS),
        "fax": lambda: _tiff(_tags(width=60_000, height=60_000, bits=1, compression=4), PIXELS),
        "lzw": lambda: _tiff(_tags(width=20_000, height=20_000, compression=5), PIXELS),
        "packed": lambda: _tiff(_tags(width=20_000, height=20_000, compression=32773), bytes(300) + b"\x81\0" * 5000),
        "jpeg_within": lambda: _tiff(_tags(compression=7), bytes(300) + papers.picture("x", "JPEG")[:3000]),
        "many_folders": lambda: b"II*\0"
        + struct.pack("<I", 8)
        + b"".join(struct.pack("<HHHIII", 1, 256, 4, 1, 1, 8 + 18 * (n + 1)) for n in range(5000)),
        "of_no_resolution": lambda: _tiff(_tags(t282=(5, 1, 4), t283=(5, 1, 4)), PIXELS),
        "long_colour_map": lambda: _tiff(_tags(t262=(3, 1, 3), t320=(3, 0x7FFFFFFF, 8)), PIXELS),
        "large_numbers": lambda: b"MM\0+\0\x08\0\0" + b"\xff" * 64,
    },
    lambda make: make(),
)
