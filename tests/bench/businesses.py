"""Make lists of businesses as two directories would print them, with the truth.

Everything comes from a seed: the businesses (branches of chains, tenants of one
building, families with one telephone) and what directories do to them (short forms,
slips, other formats, missing fields). Nothing here knows how matching is done.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

FIRST = """Anna Boris Carla Dino Elena Frank Gina Hugo Irene Jack Kate Louis Maria Nick Olga
Paul Rosa Sam Tina Uma Victor Wendy Xavier Yolanda Zoe Angelo Bruno Chloé René José Jürgen
Sofía Mei Kenji Priya Omar Fatima Liam Noah Emma""".split()
LAST = """Abbott Baker Castillo Dawson Eriksen Fischer Garcia Holloway Ibrahim Jansen Keller
Lombardi Moreno Nakamura O'Brien Petersen Quintero Rossi Schäfer Tanaka Underwood Vasquez
Whitman Xu Yamada Zimmerman Ashworth Bellini Corrigan Delacroix Esposito Fontaine Gallagher
Hawthorne Iverson Jaramillo Kowalski Lindqvist McAllister Novak Ostrander Pappas Quigley
Reinhardt Santoro Thornton Ulrich Villanueva Westbrook Yarborough Zapata Müller Núñez Côté
Anders Bishop Carver Drummond Ellison Foster Grimes Hensley Irving Jennings Kirkland Lawson
Mercer Norris Osborne Prescott Ramsey Sheridan Tillman Vance Wilder""".split()
WORDS = """Golden Silver Blue Red Green Sunny Royal Grand Little Old New Happy Lucky Bright Quiet
Wild Copper Velvet Crystal Iron Maple Cedar Willow Harbor River Lake Ocean Mountain Valley
Garden Meadow Prairie Desert Island Summit Canyon Anchor Lantern Compass Feather Rooster
Falcon Otter Heron Fox Bear Lion Dragon Phoenix Lotus Orchid Jasmine Olive Saffron Pepper
Ginger Honey Sugar Lemon Cherry Plum Pearl Amber Ivory Indigo Crimson Azure Metro Central
Union Liberty Heritage Pioneer Frontier Beacon Crown Castle Bridge Station Corner Market""".split()
EATERIES = ["Restaurant", "Cafe", "Bistro", "Grill", "Bar & Grill", "Kitchen", "Diner",
            "Deli", "Pizza", "Trattoria", "Steakhouse", "Bakery", "Tavern", "Sushi",
            "Noodle House", "Taqueria", "Brasserie", "Oyster Bar", "Tea Room"]  # fmt: skip
TRADES = ["Plumbing", "Dental", "Auto Repair", "Landscaping", "Roofing", "Electric",
          "Heating & Cooling", "Hair Salon", "Nail Spa", "Chiropractic", "Law Office",
          "Accounting", "Veterinary Clinic", "Construction", "Cleaning Services",
          "Photography", "Florist", "Pharmacy", "Hardware", "Insurance Agency",
          "Physical Therapy", "Moving Company", "Bike Shop", "Tattoo", "Yoga Studio",
          "Pest Control", "Locksmith", "Optometry", "Upholstery", "Printing"]  # fmt: skip
CHAINS = ["Burger Barn", "Quick Lube Plus", "Sunrise Coffee", "Pronto Pizza", "FitZone 24",
          "Clip & Go", "Mega Mattress", "Wash World", "Taco Fiesta", "The Sub Station",
          "Value Optical", "Pet Palace", "Copy Corner", "Smoothie Hut"]  # fmt: skip
STREETS = """Main Oak Maple Washington Lincoln Jefferson Sunset Melrose Ventura Franklin
Broadway Market Mission Valencia Peachtree Lexington Madison Hudson Bleecker Houston Spring
Elm Pine Cedar Walnut Chestnut Spruce Harrison Jackson Monroe Adams Highland Lakeview
Hillcrest Riverside Park Grove Center College University Church School Mill Bridge Canal
Vermont Virginia Georgia Montana Alameda Figueroa Encinitas Rosecrans Westheimer Kirby
Montrose Fairfax Olympic Pico Colfax Speer Wazee Larimer Fremont Charleston Tropicana""".split()
KINDS = [("Street", "St."), ("Avenue", "Ave."), ("Boulevard", "Blvd."), ("Road", "Rd."),
         ("Drive", "Dr."), ("Lane", "Ln."), ("Place", "Pl."), ("Court", "Ct.")]  # fmt: skip
CITIES = [("Fairview", "CA", "945", "510"), ("Los Altos", "CA", "940", "650"),
          ("New Haven City", "NY", "100", "212"), ("Springfield", "IL", "627", "217"),
          ("Ashland", "OR", "975", "541"), ("Decatur", "GA", "300", "404"),
          ("Las Colinas", "TX", "750", "972"), ("St. Clair", "MO", "630", "636"),
          ("Riverton", "NV", "891", "702"), ("Port Haven", "WA", "981", "206"),
          ("Mount Pleasant", "SC", "294", "843"), ("Santa Rosalia", "CA", "902", "310"),
          ("Brookfield", "WI", "530", "262"), ("Glendale", "AZ", "853", "623"),
          ("Cambridge", "MA", "021", "617"), ("Salem", "NH", "030", "603"),
          ("Auburn", "AL", "368", "334"), ("Georgetown", "KY", "403", "502"),
          ("Franklin", "TN", "370", "615"), ("Clinton", "NJ", "088", "908")]  # fmt: skip
TENS = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth"]
SHORT = {"Services": "Svcs", "Company": "Co", "Center": "Ctr", "Restaurant": "Rest.",
         "Construction": "Constr.", "House": "Hse", "Market": "Mkt", "Deli": "Delicatessen",
         "Brothers": "Bros.", "Grill": "Grille", "Electric": "Electrical",
         "Plumbing": "Plmbg", "Cafe": "Caffe", "Saint": "St."}  # fmt: skip
SUBURBS = ["Westside", "Midtown", "Old Town", "North Hills", "Harbor Point"]


@dataclass(frozen=True)
class Row:
    """One line of a directory; `truth` numbers the business."""

    truth: int
    name: str
    street: str
    city: str
    region: str
    postal_code: str
    phone: str
    website: str
    category: str


def make_rows(
    businesses: int, *, seed: int, copies: float = 0.35, roughness: float = 1.0
) -> list[Row]:
    """Make the rows of so many businesses, shuffled.

    `copies` is the share of businesses that a second directory prints too (a quarter
    of them a third); `roughness` scales how often and how badly it differs.
    """
    chance = random.Random(seed)
    rows: list[Row] = []
    for truth, row in enumerate(_businesses(businesses, chance)):
        row = replace(row, truth=truth)
        rows.append(row)
        if chance.random() < copies:
            rows.append(_other_print(row, chance, roughness))
            if chance.random() < 0.25:
                rows.append(_other_print(row, chance, roughness))
    chance.shuffle(rows)
    return rows


def _businesses(count: int, chance: random.Random) -> list[Row]:
    made: list[Row] = []
    while len(made) < count:
        kind = chance.random()
        row = _business(chance)
        made.append(row)
        if kind < 0.06:  # Another tenant of the same building.
            tenant = replace(_business(chance), street=row.street, city=row.city,
                             region=row.region, postal_code=row.postal_code)  # fmt: skip
            made.append(replace(tenant, phone=_phone(row.phone[:3], chance)))
        elif kind < 0.08:  # One family, one telephone, two businesses side by side.
            second = replace(row, name=f"{chance.choice(LAST)} {chance.choice(TRADES)}")
            made.append(replace(second, website=""))
        elif kind < 0.12:  # Branches of a chain, some with its hotline.
            made.extend(_branches(chance))
        elif kind < 0.14:  # The same words, another town.
            other = _business(chance)
            made.append(replace(other, name=row.name, website=""))
    return made[:count]


def _business(chance: random.Random) -> Row:
    city, region, prefix, area = chance.choice(CITIES)
    name = _new_name(chance, city)
    host = "".join(char for char in name.lower() if char.isascii() and char.isalnum())
    return Row(
        truth=-1,
        name=name,
        street=_street(chance),
        city=city,
        region=region,
        postal_code=f"{prefix}{chance.randint(1, 60):02d}",
        phone=_phone(area, chance),
        website=f"http://www.{host}.example" if chance.random() < 0.4 else "",
        category=chance.choice(EATERIES + TRADES).lower(),
    )


def _new_name(chance: random.Random, city: str) -> str:
    last, first = chance.choice(LAST), chance.choice(FIRST)
    word, other = chance.sample(WORDS, 2)
    eatery, trade = chance.choice(EATERIES), chance.choice(TRADES)
    return chance.choice(
        [
            f"{first}'s {eatery}", f"{word} {other} {eatery}", f"The {word} {other}",
            f"{last} & {chance.choice(LAST)} {trade}", f"{last} Brothers {trade}",
            f"{first} {last} {trade}", f"{word} {trade}", f"{word} {other} {trade}",
            f"{last} {trade}, Inc.", f"{city} {word} {trade}", f"{last}'s {eatery}",
            f"{word} {other} {trade} LLC", f"Café {last}", f"Hotel {word} {other}",
            f"Dr. {first} {last} {trade}", f"{word} {last} Company", f"Le {word} {last}",
        ]
    )  # fmt: skip


def _street(chance: random.Random) -> str:
    number = chance.randint(1, 9_999)
    if chance.random() < 0.2:
        nth = (
            chance.choice(TENS)
            if chance.random() < 0.5
            else _nth(chance.randint(9, 99))
        )
        name = nth
    else:
        name = chance.choice(STREETS)
    side = chance.choice(["", "", "", "North ", "South ", "East ", "West "])
    kind = chance.choice(KINDS)[0]
    unit = ""
    if chance.random() < 0.15:
        unit = f", Suite {chance.randint(1, 40) * 10}"
    return f"{number} {side}{name} {kind}{unit}"


def _nth(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    end = "th" if 10 <= number % 100 <= 20 else ends.get(number % 10, "th")
    return f"{number}{end}"


def _phone(area: str, chance: random.Random) -> str:
    return f"{area}-{chance.randint(200, 999)}-{chance.randint(0, 9_999):04d}"


def _branches(chance: random.Random) -> list[Row]:
    brand = chance.choice(CHAINS)
    hotline = _phone("800", chance)
    has_hotline = chance.random() < 0.3
    host = "".join(char for char in brand.lower() if char.isalnum())
    home = chance.choice(CITIES)
    rows = []
    for number in range(chance.randint(2, 6)):
        city = home if chance.random() < 0.5 else chance.choice(CITIES)
        name = f"{brand} #{number + 11}" if chance.random() < 0.2 else brand
        one = replace(_business(chance), name=name, city=city[0], region=city[1],
                      postal_code=f"{city[2]}{chance.randint(1, 60):02d}",
                      website=f"http://{host}.example")  # fmt: skip
        phone = hotline if has_hotline else _phone(city[3], chance)
        rows.append(replace(one, phone=phone))
    return rows


def _other_print(row: Row, chance: random.Random, roughness: float) -> Row:
    """Print a row as another directory would."""

    def may(share: float) -> bool:
        return chance.random() < share * roughness

    name = _other_name(row, chance, roughness)
    street = _other_street(row.street, chance, roughness)
    city = row.city
    if may(0.08):
        city = chance.choice(SUBURBS)
    elif may(0.1):
        city = city.upper() if chance.random() < 0.5 else city.removesuffix(" City")
    postal_code = row.postal_code
    if may(0.3):
        postal_code += f"-{chance.randint(1, 9_999):04d}"
    elif may(0.1):
        postal_code = ""
    phone = _other_format(row.phone, chance)
    if may(0.08):
        phone = ""
    elif may(0.03):
        phone = _other_format(_phone(row.phone[:3], chance), chance)
    elif may(0.02):
        phone = _other_format("770" + row.phone[3:], chance)
    website = (
        row.website.replace("http://www.", "https://") if may(0.5) else row.website
    )
    if may(0.3):
        website = ""
    category = chance.choice(EATERIES + TRADES).lower() if may(0.6) else row.category
    return replace(row, name=name, street=street, city=city, postal_code=postal_code,
                   phone=phone, website=website, category=category)  # fmt: skip


def _other_name(row: Row, chance: random.Random, roughness: float) -> str:
    name = row.name

    def may(share: float) -> bool:
        return chance.random() < share * roughness

    if may(0.3):
        for long, short in SHORT.items():
            name = name.replace(long, short)
    if may(0.4):
        name = name.replace("&", "and") if "&" in name else name.replace(" and ", " & ")
    if may(0.3):
        name = name.removesuffix(", Inc.").removesuffix(" LLC").removesuffix(" Company")
    elif may(0.2):
        name += chance.choice([" Inc", ", LLC", " Corp.", " Ltd."])
    if may(0.3):
        name = name.removeprefix("The ").removeprefix("Dr. ")
    if may(0.1):
        words = name.split()
        name = " ".join([*words[1:], words[0]]) if len(words) < 4 else name
    if may(0.08):
        name += f" ({row.city})"
    if may(0.08) and len(name.split()) > 2:
        name = " ".join(name.split()[:-1])
    elif may(0.08):
        name += " " + chance.choice(["Restaurant", "Cafe", "& Bar", "Services", "Shop"])
    if may(0.5):
        name = name.translate(str.maketrans("éäüñôíŚ", "eaunoiS")).replace("'", "")
    if may(0.2):
        name = _slip(name, chance)
    if may(0.25):
        name = name.upper() if chance.random() < 0.5 else name.lower()
    return name


def _slip(text: str, chance: random.Random) -> str:
    """Make one typing error."""
    spot = chance.randrange(len(text) - 1)
    return chance.choice(
        [
            text[:spot] + text[spot + 1 :],
            text[:spot] + text[spot + 1] + text[spot] + text[spot + 2 :],
            text[:spot] + chance.choice("aeiourstln") + text[spot + 1 :],
            text[:spot] + text[spot] + text[spot:],
        ]
    )


def _other_street(street: str, chance: random.Random, roughness: float) -> str:
    def may(share: float) -> bool:
        return chance.random() < share * roughness

    if may(0.7):
        for long, short in KINDS:
            plain = chance.choice([short, short.rstrip("."), short.upper()])
            street = street.replace(f" {long}", f" {plain}")
    for side in ("North", "South", "East", "West"):
        if may(0.7):
            street = street.replace(f" {side} ", f" {side[0]}. ")
    for number, word in enumerate(TENS, 1):
        if may(0.6):
            street = street.replace(f" {word} ", f" {_nth(number)} ")
    if may(0.5):
        head, comma, unit = street.partition(", Suite ")
        signs = ["", f" #{unit}", f" Ste. {unit}", f", Unit {unit}"]
        street = head + chance.choice(signs) if comma else head
    if may(0.06):
        street += chance.choice([" at ", " near ", " (corner of "]) + chance.choice(
            STREETS
        )
    if may(0.05):
        street = _slip(street, chance)
    if may(0.03):
        street = street.split(" ", 1)[1]
    if may(0.02):
        street = ""
    return street


def _other_format(phone: str, chance: random.Random) -> str:
    area, exchange, line = (
        phone.replace("770", "770-", 1).split("-")[:3]
        if (phone.count("-") < 2)
        else phone.split("-")
    )
    return chance.choice(
        [
            f"({area}) {exchange}-{line}", f"{area}/{exchange}-{line}",
            f"{area}.{exchange}.{line}", f"+1 {area} {exchange} {line}",
            f"1-{area}-{exchange}-{line}", f"{area}{exchange}{line}", phone,
            f"{area}-{exchange}-{line} ext. 12",
        ]
    )  # fmt: skip
