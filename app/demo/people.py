"""Who buys and what is sold in the demo: invented names, phones and goods."""

import random
from collections.abc import Iterator
from itertools import cycle

import msgspec

from app.demo.kaspi_shapes import Buyer, Item

_NAMES = (
    ("Айгерим", "Садыкова"),
    ("Нурлан", "Ахметов"),
    ("Ольга", "Ким"),
    ("Данияр", "Оспанов"),
    ("Мария", "Волкова"),
    ("Асель", "Жумабаева"),
    ("Тимур", "Галиев"),
    ("Динара", "Сериккызы"),
    ("Павел", "Шмидт"),
    ("Гульнар", "Байжанова"),
    ("Ерлан", "Тулегенов"),
    ("Светлана", "Пак"),
    ("Руслан", "Ибраев"),
    ("Жанна", "Ли"),
    ("Арман", "Касымов"),
    ("Ирина", "Соколова"),
    ("Бауыржан", "Нургалиев"),
    ("Сауле", "Абдрахманова"),
    ("Виктор", "Цой"),
    ("Мадина", "Искакова"),
    ("Алексей", "Морозов"),
    ("Камила", "Турсунова"),
    ("Санжар", "Молдабеков"),
    ("Наталья", "Бондаренко"),
)
_PREFIXES = ("701", "702", "705", "707", "747", "775", "777")

GOODS = (
    Item(sku="101200101_1", name="Термос Arktika 1 л", price=8_990, category="Термосы"),
    Item(sku="101200201_1", name="Чайник Bereke 1,7 л", price=12_490, category="Чайники"),
    Item(sku="101200301_1", name="Наушники Sonar Air", price=19_990, category="Наушники"),
    Item(sku="101200401_1", name="Куртка Qyran, размер 50", price=27_900),
    Item(sku="101200501_1", name="Плед шерстяной 150×200", price=9_450, category="Пледы"),
)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may buy; `phone` as `77051234567`."""

    phone: str
    first_name: str
    last_name: str

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first_name} {self.last_name}"

    @property
    def buyer(self) -> Buyer:
        """As Kaspi tells of people: capitals, an initial, ten digits."""
        return Buyer(
            phone=self.phone.removeprefix("7"),
            first_name=self.first_name.upper(),
            last_name=self.last_name[0],
        )


def people() -> Iterator[Person]:
    """One new person after another, without an end.

    Phones are drawn anew in every run: the product remembers people longer than the demo does.
    """
    taken: set[str] = set()
    for first, last in cycle(_NAMES):
        phone = _phone()
        while phone in taken:
            phone = _phone()
        taken.add(phone)
        yield Person(phone=phone, first_name=first, last_name=last)


def _phone() -> str:
    return f"7{random.choice(_PREFIXES)}{random.randint(1_234_567, 9_876_543)}"
