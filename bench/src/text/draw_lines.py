"""Draws images of single lines of text, with a table of what stands in them, for a reader of text lines.

`python bench/src/text/draw_lines.py FOLDER [--count 2000] [--seed 1]` writes FOLDER/NAME.png and FOLDER/lines.csv (file, text).
The same seed, fonts and Pillow give the same images. They are made hard, as photographs are: low contrast, blur, noise,
turned by up to two degrees, small and enlarged, compressed as JPEG. Needs Pillow.
"""
import argparse
import csv
import io
import os
import random

from PIL import Image, ImageDraw, ImageFilter

from drawn_text import Fonts

CHINESE = 0.15
# PP-OCR was trained with lines of up to about 25 characters; a longer one is two lines for its detector.
LONGEST = 25


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.makedirs(given.folder, exist_ok=True)
    rng = random.Random(given.seed)
    fonts = Fonts()
    with open(os.path.join(given.folder, "lines.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "text"])
        for i in range(given.count):
            text, path = fonts.text(rng, CHINESE)
            while len(text) > LONGEST:
                text, path = fonts.text(rng, CHINESE)
            name = f"{i:05}.png"
            line(rng, text, fonts.font(path, rng.randint(18, 48))).save(os.path.join(given.folder, name))
            table.writerow([name, text])
    print(f"{given.count} lines, {len(fonts.latin)} fonts" + (f", {len(fonts.chinese)} with Chinese" if fonts.chinese else ", none with Chinese"))


def line(rng, text, font):
    """An RGB image of one text, spoilt."""
    left, top, right, bottom = font.getbbox(text)
    height = bottom - top
    margins = [rng.randint(1, max(2, height // 3)) for _ in range(4)]
    size = (right - left + margins[0] + margins[2], height + margins[1] + margins[3])
    paper, ink = colours(rng)
    image = background(rng, size, paper)
    ImageDraw.Draw(image).text((margins[0] - left, margins[1] - top), text, font=font, fill=ink)
    return spoilt(rng, image, paper)


def colours(rng):
    """Of paper and ink: levels at least 50 apart, tinted."""
    contrast = rng.randint(50, 200)
    low = rng.randint(0, 255 - contrast)
    levels = [low + contrast, low] if rng.random() < 0.75 else [low, low + contrast]
    return [tuple(max(0, min(255, level + rng.randint(-15, 15))) for _ in range(3)) for level in levels]


def background(rng, size, paper):
    """Paper with a shadow across."""
    shade = Image.linear_gradient("L").rotate(rng.choice([0, 90, 180, 270])).resize(size)
    darker = tuple(int(level * rng.uniform(0.75, 1)) for level in paper)
    return Image.composite(Image.new("RGB", size, paper), Image.new("RGB", size, darker), shade)


def spoilt(rng, image, paper):
    image = image.rotate(rng.uniform(-2, 2), Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.045 * image.height)))
    if rng.random() < 0.3:
        # As if it had been small in the photograph.
        factor = rng.uniform(0.4, 0.9)
        small = (max(8, int(image.width * factor)), max(8, int(image.height * factor)))
        image = image.resize(small, Image.Resampling.BILINEAR)
    image = noisy(rng, image, rng.uniform(0, 18))
    if rng.random() < 0.5:
        packed = io.BytesIO()
        image.save(packed, "JPEG", quality=rng.randint(30, 90))
        image = Image.open(packed).convert("RGB")
    return image


def noisy(rng, image, sigma):
    """Normal noise of each channel, from the seed: Pillow's own has another one each time."""
    count = 3 * image.width * image.height
    noise = Image.frombytes("RGB", image.size, bytes(rng.choices(NOISE, k=count)))
    # 128 + noise * sigma / 32, added to the image and 128 taken away again.
    scaled = noise.point([round(128 + (level - 128) * sigma / 32) for level in range(256)] * 3)
    return Image.frombytes("RGB", image.size, bytes(clip[a + b] for a, b in zip(image.tobytes(), scaled.tobytes())))


# A table of normal values with a deviation of 32 around 128, and one of sums of two bytes less 128 within a byte.
drawn = random.Random(0)
NOISE = [max(0, min(255, round(drawn.gauss(128, 32)))) for _ in range(4096)]
clip = [max(0, min(255, total - 128)) for total in range(511)]


if __name__ == "__main__":
    main()
