"""Tariffs: registers by block and time of use, prices, what a switching table does, the currency."""

from __future__ import annotations

from opensmets.layouts.axdr import Data
from opensmets.parse.shape import Shape, text_in
from opensmets.parse.texts import Unfit, write_characters
from opensmets.parse.tree import Element, Path, add, qualified

# block number, then for each block 8 registers; then the same for its counters (ECS17e)
_BLOCKS, _TIMES_OF_USE = 4, 8


def _write_block_registers(numbers: tuple[Data, ...], element: Element) -> None:
    if len(numbers) != 2 * _BLOCKS * _TIMES_OF_USE or any(number.type != "u32" for number in numbers):
        raise Unfit("not a register and a counter for each block and time of use")
    for block in range(_BLOCKS):
        place = add(element, "TariffBlock")
        place.set("index", str(block + 1))
        for half, name in enumerate(("RegisterMatrixTOUValue", "CounterMatrixTOUValue")):
            start = (half * _BLOCKS + block) * _TIMES_OF_USE
            for index, number in enumerate(numbers[start : start + _TIMES_OF_USE], 1):
                add(place, name, str(number.value)).set("index", str(index))


def _read_block_registers(element: Element) -> tuple[Data, ...]:
    halves = ("RegisterMatrixTOUValue", "CounterMatrixTOUValue")
    return tuple(
        Data("u32", int(number.text or ""))
        for name in halves
        for block in element.findall(qualified("TariffBlock"))
        for number in block.findall(qualified(name))
    )


def _write_tariff_action(selector: int, element: Element) -> None:
    if 1 <= selector <= 48:
        add(element, "TOUTariffAction", str(selector))
    elif 101 <= selector <= 108:
        add(element, "BlockTariffAction", str(selector - 100))
    else:
        raise Unfit("no tariff action")


def _read_tariff_action(element: Element) -> int:
    block = element.findtext(qualified("BlockTariffAction"))
    return 100 + int(block) if block is not None else int(text_in(element, "TOUTariffAction"))


_SECONDARY = 200


def _write_secondary_action(selector: int, element: Element) -> None:
    if not _SECONDARY < selector <= _SECONDARY + 4:
        raise Unfit("no tariff action of the second element")
    add(element, "TOUTariffAction", str(selector - _SECONDARY))


# how a price's index (one octet) says where it belongs: 1 to 48 time of use, A1 to D8 block letter and time of use
_TIME_OF_USE_PRICES = Path.parse("TariffTOUPriceMatrix")


def _price_place(index: bytes, element: Element) -> tuple[Element, str, int]:
    number = index[0] if len(index) == 1 else 0
    if 1 <= number <= 48:
        return _TIME_OF_USE_PRICES.make(element), "TariffTOUPrice", number
    block, time_of_use = (number >> 4) - 9, number & 15
    if not 1 <= block <= _BLOCKS or not 1 <= time_of_use <= _TIMES_OF_USE:
        raise Unfit("no price index")
    prices = Path.parse(f"TariffBlockPriceMatrix/TariffBlockPrices[@index={time_of_use}]").make(element)
    return prices, "BlockPrice", block


def _write_price(price: Data, element: Element) -> None:
    """Write one price; nothing for an index that is none."""
    try:
        place, name, number = _price_place(price[0].value, element)
    except Unfit:
        return
    add(place, name, str(price[1].value)).set("index", str(number))


def _write_prices(prices: tuple[Data, ...], element: Element) -> None:
    if any(price.type != "structure" or [part.type for part in price] != ["octets", "i16"] for price in prices):
        raise Unfit("not indexes and prices")
    written: set[bytes] = set()
    for price in prices:
        if price[0].value not in written:
            _write_price(price, element)
        written.add(price[0].value)


def _price(index: int, element: Element) -> Data:
    return Data("structure", (Data("octets", bytes((index,))), Data("i16", int(element.text or ""))))


def _read_prices(element: Element) -> tuple[Data, ...]:
    found = [_price(int(price.get("index") or 0), price) for price in element.iter(qualified("TariffTOUPrice"))]
    blocks = {
        (int(price.get("index") or 0) + 9) << 4 | int(prices.get("index") or 0): price
        for prices in element.iter(qualified("TariffBlockPrices"))
        for price in prices
    }
    return (*found, *(_price(index, blocks[index]) for index in sorted(blocks)))


_CURRENCIES = {0xFF: ("GBP", "Millipence"), 0: ("ECB", "Millicent")}


def _write_currency(code: int, element: Element) -> None:
    if code not in _CURRENCIES:
        raise Unfit("no currency")
    add(element, "CurrencyUnitsLabel", _CURRENCIES[code][0])
    add(element, "CurrencyUnitsName", _CURRENCIES[code][1])


def _read_currency(element: Element) -> int:
    return {label: code for code, (label, _) in _CURRENCIES.items()}[text_in(element, "CurrencyUnitsLabel")]


_MPAN = 13


def _write_import_mpan(octets: bytes, element: Element) -> None:
    """Write one MPAN, empty when none was set, or two of full length one after another."""
    if not (len(octets) <= _MPAN or len(octets) == 2 * _MPAN) or not octets.isascii():
        raise Unfit("not one or two MPANs")
    numbers = [write_characters(octets[at : at + _MPAN].decode("ascii")) for at in range(0, len(octets) or 1, _MPAN)]
    for name, number in zip(("ImportMPAN", "SecondaryImportMPAN"), numbers, strict=False):
        add(element, name, number)


def _read_import_mpan(element: Element) -> bytes:
    second = element.findtext(qualified("SecondaryImportMPAN")) or ""
    return (text_in(element, "ImportMPAN") + second).encode("ascii")


TARIFF_SHAPES = {
    "block-registers": Shape(_write_block_registers, _read_block_registers),
    "tariff-action": Shape(_write_tariff_action, _read_tariff_action),
    "secondary-action": Shape(
        _write_secondary_action, lambda element: _SECONDARY + int(text_in(element, "TOUTariffAction"))
    ),
    "prices": Shape(_write_prices, _read_prices),
    "currency": Shape(_write_currency, _read_currency),
    "import-mpan": Shape(_write_import_mpan, _read_import_mpan),
}
