"""Draws scenes with things whose boxes are known, for a detector of text lines or one of the characters of captchas.

`python bench/src/text/draw_scenes.py FOLDER --kind lines|characters [--count 300] [--seed 1]` writes FOLDER/images/NAME.png
and FOLDER/labels/NAME.txt, in YOLO's form with one class. The same seed, fonts and Pillow give the same scenes. Needs Pillow.
"""
import argparse
import os
import random

from PIL import Image, ImageDraw, ImageFilter

from draw_lines import background, colours, noisy
from drawn_text import CODE, Fonts

CHINESE = 0.15


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--kind", choices=sorted(KINDS), required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    fonts = Fonts()
    for name in ("images", "labels"):
        os.makedirs(os.path.join(given.folder, name), exist_ok=True)
    total = 0
    for i in range(given.count):
        image, boxes = KINDS[given.kind](rng, fonts)
        image.save(os.path.join(given.folder, "images", f"{i:05}.png"))
        with open(os.path.join(given.folder, "labels", f"{i:05}.txt"), "w") as file:
            file.writelines(f"0 {row(box, image.size)}\n" for box in boxes)
        total += len(boxes)
    print(f"{given.count} scenes with {total} {given.kind}")


def row(box, size):
    """Middle and size, as shares of the image."""
    left, top, right, bottom = box
    width, height = size
    shares = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
    return " ".join(f"{share:.6f}" for share in shares)


def lines(rng, fonts):
    """A photograph of 640 x 480 with up to twelve lines, on paper and on patches of other colours."""
    size = (640, 480)
    image = textured(rng, size)
    boxes = []
    y = rng.randint(5, 40)
    while y < size[1] - 20:
        height = round(12 * 4 ** rng.random())
        text, path = fonts.text(rng, CHINESE)
        font = fonts.font(path, height)
        left, top, right, bottom = font.getbbox(text)
        # One or two characters could as well be a stain.
        if len(text) < 3 or right - left > size[0] - 30 or y + bottom - top > size[1] - 6:
            y += 12
            continue
        x = rng.randint(8, size[0] - 16 - (right - left))
        box = (x, y, x + right - left, y + bottom - top)
        paper, ink = colours(rng)
        if rng.random() < 0.5:
            patch(rng, image, box, paper)
        else:
            ink = readable(image, box, rng)
        ImageDraw.Draw(image).text((x - left, y - top), text, font=font, fill=ink)
        boxes.append(box)
        y = box[3] + round((0.7 + 1.5 * rng.random()) * (bottom - top)) + 4
    if rng.random() < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.2)))
    return noisy(rng, image, rng.uniform(0, 16)), boxes


def textured(rng, size):
    """Coarse stains under a shadow."""
    paper, _ = colours(rng)
    cells = (rng.randint(3, 12), rng.randint(3, 9))
    levels = [max(0, min(255, level + rng.randint(-35, 35))) for _ in range(cells[0] * cells[1]) for level in paper]
    stains = Image.frombytes("RGB", cells, bytes(levels))
    return Image.blend(stains.resize(size, Image.Resampling.BICUBIC), background(rng, size, paper), rng.uniform(0.2, 0.8))


def patch(rng, image, box, paper):
    margin = rng.randint(3, 8)
    ImageDraw.Draw(image).rectangle((box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin), fill=paper)


def readable(image, box, rng):
    """A grey at least 60 levels from what is under the box."""
    under = sum(image.crop(box).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))) / 3
    contrast = rng.randint(60, 180)
    level = under - contrast if under >= contrast and (under > 128 or under + contrast > 255) else under + contrast
    return tuple(max(0, min(255, round(level) + rng.randint(-12, 12))) for _ in range(3))


def characters(rng, fonts):
    """A captcha: three to seven characters, each turned, of its own colour and size, under lines and dots."""
    size = (rng.randint(220, 400), rng.randint(120, 260))
    image = textured(rng, size)
    boxes = []
    for _ in range(rng.randint(3, 7)):
        placed = character(rng, fonts, size, boxes)
        if placed is None:
            continue
        mask, box = placed
        image.paste(readable(image, box, rng), box[:2], mask)
        boxes.append(box)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(0, 5)):
        ends = [(rng.randint(0, size[0]), rng.randint(0, size[1])) for _ in range(2)]
        draw.line(ends, fill=tuple(rng.randint(0, 255) for _ in range(3)), width=rng.randint(1, 2))
    return noisy(rng, image, rng.uniform(0, 20)), boxes


def character(rng, fonts, size, others):
    """(mask, box) where it overlaps none of the others; None where there is no room."""
    if fonts.chinese and rng.random() < 0.5:
        text = bytes([rng.randint(0xB0, 0xD6), rng.randint(0xA1, 0xFE)]).decode("gb2312")
        path = rng.choice(fonts.chinese)
    else:
        text, path = rng.choice(CODE), rng.choice(fonts.latin)
    height = rng.randint(28, 64)
    sheet = Image.new("L", (2 * height, 2 * height))
    ImageDraw.Draw(sheet).text((height // 2, height // 4), text, font=fonts.font(path, height), fill=255)
    sheet = sheet.rotate(rng.uniform(-30, 30), Image.Resampling.BICUBIC)
    mask = sheet.crop(sheet.getbbox())
    for _ in range(20):
        x, y = rng.randint(2, max(2, size[0] - mask.width - 2)), rng.randint(2, max(2, size[1] - mask.height - 2))
        box = (x, y, x + mask.width, y + mask.height)
        if box[2] <= size[0] and box[3] <= size[1] and not any(touch(box, other) for other in others):
            return mask, box
    return None


def touch(a, b):
    return a[0] < b[2] + 4 and b[0] < a[2] + 4 and a[1] < b[3] + 4 and b[1] < a[3] + 4


KINDS = {"lines": lines, "characters": characters}


if __name__ == "__main__":
    main()
