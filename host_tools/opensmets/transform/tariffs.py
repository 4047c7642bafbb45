"""Prices of tariffs (class 113 attribute 6; GBCS ECS01a to ECS01d)."""

from __future__ import annotations

from lxml import etree

from opensmets.layouts.axdr import Data
from opensmets.transform.paths import find, find_all, need, number
from opensmets.transform.schedules import special_day
from opensmets.transform.scope import Conversion, Scope

#: Time-of-use prices, then prices of 4 blocks for each of 8 time-of-use bands.
TOU_PRICES, BLOCKS, BANDS = 48, 4, 8
#: A block price's index is a letter for its block and a digit for its band: A1 to D8.
FIRST_BLOCK = 0xA
SECONDARY_PRICES = 4
#: What is added to a band's number to make the script that switches to it (GBCS 23.1).
BLOCK_SCRIPTS, SECONDARY_SCRIPTS = 100, 200


def primary_prices(element: etree._Element, _: Scope) -> Data:
    """Make all prices of the primary element of ElectricityPriceElements; what is not given costs nothing."""
    tou = {number(one, ".:index"): number(one, ".") for kind in _KINDS for one in find_all(element, f"{kind}/TOUPrice")}
    blocks = {
        (number(one, ".:index"), number(band, ".:index")): number(one, ".")
        for kind in _KINDS
        for band in find_all(element, f"{kind}/BlockPrices")
        for one in find_all(band, "BlockPrice")
    }
    rows = [_price(at, tou.get(at, 0)) for at in range(1, TOU_PRICES + 1)]
    for block in range(1, BLOCKS + 1):
        for band in range(1, BANDS + 1):
            rows.append(_price((FIRST_BLOCK + block - 1) << 4 | band, blocks.get((block, band), 0)))
    return Data("array", tuple(rows))


_KINDS = ("BlockTariff", "TOUTariff", "HybridTariff")


def _price(index: int, price: int) -> Data:
    return Data("structure", (Data("octets", bytes((index,))), Data("i16", price)))


def secondary_prices(element: etree._Element, _: Scope) -> Data:
    """Make the prices of the secondary element of its PriceElements."""
    prices = {number(one, ".:index"): number(one, ".") for one in find_all(element, "ElectricityPriceElement")}
    return Data("array", tuple(_price(at, prices.get(at, 0)) for at in range(1, SECONDARY_PRICES + 1)))


def primary_script(element: etree._Element, _: Scope) -> Data:
    """Make the script of a ProfileSchedule of the primary element."""
    if find(element, "BlockTariffAction") is not None:
        return Data("u16", BLOCK_SCRIPTS + number(element, "BlockTariffAction"))
    return Data("u16", number(element, "TOUTariffAction"))


def secondary_script(element: etree._Element, _: Scope) -> Data:
    """Make the script of a ProfileSchedule of the secondary element."""
    return Data("u16", SECONDARY_SCRIPTS + number(element, "TOUTariffAction"))


def tariff_days(element: etree._Element, _: Scope) -> Data:
    """Make the special day table of SpecialDays, numbered as they stand."""
    days = enumerate(find_all(element, "SpecialDay"), 1)
    return Data(
        "array", tuple(special_day(at, need(day, "Date"), number(day, "ReferencedDayName")) for at, day in days)
    )


def number_octet(element: etree._Element, _: Scope) -> Data:
    """Make one octet of a number: the name of a week."""
    return Data("octets", bytes((number(element, "."),)))


CONVERSIONS: dict[str, Conversion] = {
    "primary_prices": primary_prices, "secondary_prices": secondary_prices, "number_octet": number_octet,
    "primary_script": primary_script, "secondary_script": secondary_script, "tariff_days": tariff_days,
}  # fmt: skip
