"""Texts and fonts of what `draw_lines.py` and `draw_scenes.py` draw. Needs Pillow and nothing else.

Texts are what is photographed and scanned: words, numbers, dates, prices, codes, punctuation, and, where a font has
them, Chinese characters of the first level of GB 2312. In codes there is none of 0, 1, I, O and l, which many fonts draw alike.
"""
import glob
import importlib.util
import os

from PIL import ImageFont

WORDS = """account address amount April August balance bank batch before between bottle branch building cable camera
capacity carton Centre certificate charge city clearance code colour company Contents control copper copy cost Country
credit customer date December delivery Department description device Direction discount Document door drawing due
east electric Emergency engine entrance Exit expires factory February fee filter fire floor frame freight Friday
fragile front fuel gate glass Gross ground handle harbour heat height High hotel inspect Invoice item January July June
kitchen label length level Licence light limit line load Made manual March material May measure metal Model Monday
motor name net night North notice November number October office oil open operator Order origin package page paid
paper part payment phone pipe plant plate Platform please pressure price printed product pump quality quantity
quick receipt reference Register release repair report Return river road room route safety sample Saturday screw seal
September serial service ship signal size south speed station steel stock storage street subtotal Sunday supply switch
system table tax temperature terminal Thursday ticket time tool total track train transfer Tuesday type unit valve
vehicle voltage warehouse warning water Wednesday weight West width window wire yellow zone""".split()
CODE = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
MARKS = [".", ",", ":", ";", "!", "?"]


def latin(rng):
    """A text of a few words, numbers and marks."""
    kind = rng.random()
    if kind < 0.12:
        return code(rng)
    parts = [piece(rng) for _ in range(rng.choice([1, 1, 2, 2, 3, 3, 4, 5]))]
    text = " ".join(parts)
    if rng.random() < 0.2:
        text = text.upper() if rng.random() < 0.5 else text.capitalize()
    return text + (rng.choice(MARKS) if rng.random() < 0.2 else "")


def piece(rng):
    kind = rng.random()
    if kind < 0.66:
        return rng.choice(WORDS)
    if kind < 0.74:
        return str(rng.randint(0, 10 ** rng.randint(1, 6)))
    if kind < 0.80:
        return f"${rng.randint(1, 9999)}.{rng.randint(0, 99):02}"
    if kind < 0.86:
        return f"{rng.randint(1, 28):02}{rng.choice('-/.')}{rng.randint(1, 12):02}{rng.choice('-/.')}{rng.randint(1990, 2030)}"
    if kind < 0.90:
        return f"{rng.randint(1, 100)}%"
    if kind < 0.94:
        return f"({rng.choice(WORDS)})"
    return code(rng)


def code(rng):
    text = "".join(rng.choice(CODE) for _ in range(rng.randint(4, 10)))
    return text if rng.random() < 0.6 else f"{text[:3]}-{text[3:]}"


def chinese(rng):
    """Characters of GB 2312's first level, which holds the 3,755 most usual ones."""
    cells = (bytes([rng.randint(0xB0, 0xD6), rng.randint(0xA1, 0xFE)]) for _ in range(rng.randint(2, 10)))
    text = "".join(cell.decode("gb2312") for cell in cells)
    return text if rng.random() < 0.7 else text + str(rng.randint(0, 9999))


def latin_fonts():
    """Files of DejaVu, of the system or of matplotlib, and of Liberation where it is there; sorted, so that a seed means the same."""
    folders = ["/usr/share/fonts"]
    found = importlib.util.find_spec("matplotlib")
    if found is not None:
        folders.append(os.path.join(os.path.dirname(found.origin), "mpl-data", "fonts"))
    files = {}
    for folder in folders:
        for path in glob.glob(os.path.join(folder, "**", "*.ttf"), recursive=True):
            name = os.path.basename(path)
            if name.startswith(("DejaVuSans", "DejaVuSerif", "Liberation")) and "Display" not in name and "ExtraLight" not in name:
                files.setdefault(name, path)
    return [files[name] for name in sorted(files)]


def chinese_fonts():
    """Noto Sans CJK, of the system or of the package cvttf-notosanscjk-regular; else none."""
    found = importlib.util.find_spec("cvttf_NotoSansCJK_Regular")
    folders = ["/usr/share/fonts"] + list(found.submodule_search_locations if found else [])
    paths = [path for folder in folders for path in glob.glob(os.path.join(folder, "**", "NotoSansCJK*"), recursive=True)]
    return sorted(path for path in paths if path.endswith((".otf", ".ttc")))


class Fonts:
    """Opens a font of a size once."""

    def __init__(self):
        self.latin = latin_fonts()
        self.chinese = chinese_fonts()
        self.opened = {}
        if not self.latin:
            raise SystemExit("No DejaVu font: install fonts-dejavu, or matplotlib, which has them.")

    def font(self, path, size):
        key = (path, size)
        if key not in self.opened:
            self.opened[key] = ImageFont.truetype(path, size)
        return self.opened[key]

    def text(self, rng, share_chinese):
        """(text, path of a font)"""
        if self.chinese and rng.random() < share_chinese:
            return chinese(rng), rng.choice(self.chinese)
        return latin(rng), rng.choice(self.latin)
