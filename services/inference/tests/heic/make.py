"""Makes the HEIC files of the tests: pip install pillow-heif==1.8.1, then python make.py FOLDER_WITH_SAMPLE1_JPG."""

import struct, sys
from pathlib import Path
import pillow_heif
from PIL import Image

here = Path(__file__).parent


def quadrants(width, height, mode="RGB"):
    """Red and green above, blue and white below: each orientation of it is another picture."""
    picture = Image.new(mode, (width, height), (255, 255, 255) + ((255,) if mode == "RGBA" else ()))
    for colour, left, top in (((220, 30, 30), 0, 0), ((30, 160, 60), 1, 0), ((40, 60, 200), 0, 1)):
        box = (left * width // 2, top * height // 2, (left + 1) * width // 2, (top + 1) * height // 2)
        picture.paste(colour + ((255,) if mode == "RGBA" else ()), box)
    return picture


def save(name, picture, **options):
    heif = pillow_heif.from_pillow(picture)
    heif.save(here / name, quality=60, chroma=444, **options)


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind, body, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags) + body)


def boxes(data):
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + size]
        at += size


def parts(path):
    """The decoder configuration and the picture data of a file with one picture."""
    data = path.read_bytes()
    top = dict(boxes(data))
    meta = dict(boxes(top[b"meta"][4:]))
    properties = dict(boxes(dict(boxes(meta[b"iprp"]))[b"ipco"]))
    return properties[b"hvcC"], top[b"mdat"]


def with_properties(source, name, *added):
    """The picture of `source` with properties of its own, in their order: what cameras write."""
    configuration, data = parts(here / source)
    write(name, [(b"hvc1", data, [box(b"hvcC", configuration), ispe(96, 64), *added])], [])


def grid(name, tiles, width, height):
    """Four tiles as one picture, as iPhones store theirs."""
    configuration, _ = parts(tiles[0])
    items = [(b"hvc1", parts(tile)[1], [box(b"hvcC", configuration), ispe(64, 64)]) for tile in tiles]
    layout = struct.pack(">BBBBHH", 0, 0, 1, 1, width, height)
    write(name, [(b"grid", layout, [ispe(width, height)]), *items], [2, 3, 4, 5])


def ispe(width, height):
    return full(b"ispe", struct.pack(">II", width, height))


def write(name, items, references):
    ids = range(1, len(items) + 1)
    infe = [full(b"infe", struct.pack(">HH4sB", n, 0, items[n - 1][0], 0), 2, 0 if n == 1 else 1) for n in ids]
    properties, associations = [], b""
    for n in ids:
        own = items[n - 1][2]
        marks = bytes(len(properties) + k + 1 | 0x80 for k in range(len(own)))
        associations += struct.pack(">HB", n, len(own)) + marks
        properties += own
    iref = full(b"iref", box(b"dimg", struct.pack(f">HH{len(references)}H", 1, len(references), *references)))
    iprp = box(b"iprp", box(b"ipco", b"".join(properties)) + full(b"ipma", struct.pack(">I", len(items)) + associations))

    def meta(start):
        places, at = b"", start
        for n in ids:
            places += struct.pack(">HHHII", n, 0, 1, at, len(items[n - 1][1]))
            at += len(items[n - 1][1])
        return full(
            b"meta",
            full(b"hdlr", struct.pack(">I4s12sB", 0, b"pict", b"", 0))
            + full(b"pitm", struct.pack(">H", 1))
            + full(b"iloc", struct.pack(">HH", 0x4400, len(items)) + places)
            + full(b"iinf", struct.pack(">H", len(items)) + b"".join(infe))
            + (iref if references else b"")
            + iprp,
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    start = len(head) + len(meta(0)) + 8
    (here / name).write_bytes(head + meta(start) + box(b"mdat", b"".join(data for _, data, _ in items)))


TURNS = {2: [("imir", 1)], 3: [("irot", 2)], 4: [("imir", 0)], 5: [("imir", 1), ("irot", 1)], 6: [("irot", 3)]}
TURNS |= {7: [("imir", 1), ("irot", 3)], 8: [("irot", 1)]}

save("quadrants.heic", quadrants(96, 64))
save("transparent.heic", quadrants(96, 64, "RGBA").transform((96, 64), Image.Transform.AFFINE, (1, 0, 48, 0, 1, 0)))
pillow_heif.options.SAVE_HDR_TO_12_BIT = False
ten = pillow_heif.from_bytes("RGB;16", (96, 64), b"".join(
    struct.pack("<3H", *(value * 257 for value in pixel)) for pixel in quadrants(96, 64).getdata()
))
ten.save(here / "ten-bit.heic", quality=60, chroma=444)
for orientation, turns in TURNS.items():
    added = [box(kind.encode(), bytes([value])) for kind, value in turns]
    with_properties("quadrants.heic", f"orientation-{orientation}.heic", *added)
tiles = []
whole = quadrants(128, 128)
for n in range(4):
    left, top = n % 2 * 64, n // 2 * 64
    save(f"tile-{n}.heic", whole.crop((left, top, left + 64, top + 64)))
    tiles.append(here / f"tile-{n}.heic")
grid("grid.heic", tiles, 120, 100)
for tile in tiles:
    tile.unlink()
person = Image.open(Path(sys.argv[1]) / "sample1.jpg").convert("RGB")
pillow_heif.from_pillow(person.resize((600, 400))).save(here / "people.heic", quality=45)
