"""A chart's series is what the answers say, and its prices are those of the tariff that they tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from opensmets.bench.household import DAY_S, EPOCH, HALF_HOUR_S, text_of, time_of
from opensmets.chart.answers import of_meter
from opensmets.chart.tariff import AnswerIncomplete, DateRule, Tariff
from opensmets.parse.dates import write_date
from opensmets.parse.tree import NAMESPACE
from smets.meter.wildcards import matches

DAY = date(2015, 6, 1)


def element(text: str) -> etree._Element:
    return etree.fromstring(f'<Answer xmlns="{NAMESPACE}">{text}</Answer>')[0]


def rule(octets: bytes) -> DateRule:
    place = element("<Date/>")
    write_date(octets, place)
    return DateRule.of(place)


def xml_date(octets: str) -> str:
    place = element("<Date/>")
    write_date(bytes.fromhex(octets), place)
    return "".join(etree.tostring(part, encoding="unicode") for part in place)


@given(
    year=st.sampled_from([2014, 2015, 2016, 2020, 0xFFFF]),
    month=st.sampled_from([1, 2, 6, 12, 0xFF]),
    day=st.sampled_from([1, 9, 28, 29, 31, 0xFD, 0xFE, 0xFF]),
    weekday=st.sampled_from([1, 3, 7, 0xFF]),
    moment=st.dates(date(2014, 1, 1), date(2021, 1, 10)),
)
def test_a_date_means_the_days_that_it_means_to_the_meter(
    year: int, month: int, day: int, weekday: int, moment: date
) -> None:
    octets = year.to_bytes(2, "big") + bytes((month, day, weekday))
    assert rule(octets).means(moment) == matches(octets, (moment - EPOCH.date()).days)


def action(time: str, script: str) -> str:
    return f"<ProfileSchedule><StartTime>{time}</StartTime>{script}</ProfileSchedule>"


def day_profile(number: int, *actions: str) -> str:
    return f"<DayProfile><Day>{number}</Day>{''.join(actions)}</DayProfile>"


def week_profile(name: int, *days: int) -> str:
    return (
        f"<WeekProfile><WeekName>{name}</WeekName>"
        + "".join(f'<ReferencedElecDay index="{at}">{day}</ReferencedElecDay>' for at, day in enumerate(days, 1))
        + "</WeekProfile>"
    )


def season(octets: str, week: int) -> str:
    return (
        f"<Season><SeasonStartDate>{xml_date(octets)}</SeasonStartDate>"
        f"<ReferencedWeekName>{week}</ReferencedWeekName></Season>"
    )


CHRISTMAS = f"<SpecialDay><Date>{xml_date('ffff0c19ff')}</Date><ReferencedDay>3</ReferencedDay></SpecialDay>"
ELECTRICITY = f"""<Electricity>
  <PrimaryActiveTariffPrice>30000</PrimaryActiveTariffPrice>
  <StandingCharge>40</StandingCharge><StandingChargeScale>-2</StandingChargeScale><PriceScale>-3</PriceScale>
  <TariffBlockPriceMatrix><TariffBlockPrices index="1">
    <BlockPrice index="1">50</BlockPrice><BlockPrice index="2">20</BlockPrice>
    <BlockPrice index="3">70</BlockPrice><BlockPrice index="4">900</BlockPrice>
  </TariffBlockPrices></TariffBlockPriceMatrix>
  <TariffTOUPriceMatrix>
    <TariffTOUPrice index="1">300</TariffTOUPrice><TariffTOUPrice index="2">100</TariffTOUPrice>
  </TariffTOUPriceMatrix>
  <TariffSwitchingTable>
    {
    day_profile(
        1,
        action("07:00:00", "<TOUTariffAction>1</TOUTariffAction>"),
        action("23:30:00", "<TOUTariffAction>2</TOUTariffAction>"),
    )
}
    {day_profile(2)}
    {day_profile(3, action("00:00:00.00", "<BlockTariffAction>1</BlockTariffAction>"))}
    {week_profile(1, 1, 1, 1, 1, 1, 2, 2)}{week_profile(2, *[2] * 7)}
    {season("ffff0101ff", 1)}{season("ffff0701ff", 2)}
    {CHRISTMAS}
  </TariffSwitchingTable>
  <TariffThresholdMatrix><ElecTariffThresholds index="1">
    <BlockThreshold index="1">1000</BlockThreshold><BlockThreshold index="2">9000</BlockThreshold>
    <BlockThreshold index="3">4294967295</BlockThreshold>
  </ElecTariffThresholds></TariffThresholdMatrix>
</Electricity>"""
DAY_PRICE, NIGHT_PRICE, BLOCKS = (30_000, 30_000), (10_000, 10_000), (2_000, 7_000)


@pytest.mark.parametrize(
    ("moment", "price"),
    [
        ("2015-06-01T06:59:59Z", NIGHT_PRICE),  # a Monday: the night began on Friday and lasted the weekend
        ("2015-06-01T07:00:00Z", DAY_PRICE),
        ("2015-06-01T23:29:59Z", DAY_PRICE),
        ("2015-06-01T23:30:00Z", NIGHT_PRICE),
        ("2015-06-06T12:00:00Z", NIGHT_PRICE),  # Saturday has no action of its own
        ("2015-07-01T12:00:00Z", NIGHT_PRICE),  # the second season has none at all
        ("2015-12-24T23:59:59Z", NIGHT_PRICE),
        ("2015-12-25T00:00:00Z", BLOCKS),  # of four blocks three are ever reached
        ("2015-12-31T23:59:59Z", BLOCKS),
        ("2016-01-01T07:00:00Z", DAY_PRICE),
        ("2000-01-01T00:00:00Z", DAY_PRICE),  # before any action: the first time of use
    ],
)
def test_a_price_is_that_of_season_week_day_and_action(moment: str, price: tuple[int, int]) -> None:
    tariff = Tariff.of(element(ELECTRICITY))
    assert tariff.at(time_of(moment)) == price
    assert (tariff.price_millipence, tariff.standing_charge_millipence) == (30_000, 40_000)


def test_without_a_table_the_first_time_of_use_counts_and_a_tariff_without_scale_is_told() -> None:
    bare = element(ELECTRICITY)
    bare.remove(bare.find("{*}TariffSwitchingTable"))
    assert Tariff.of(bare).at(time_of("2015-12-25")) == DAY_PRICE
    bare.remove(bare.find("{*}PriceScale"))
    with pytest.raises(AnswerIncomplete, match="PriceScale"):
        Tariff.of(bare)


FIRST_S = time_of("2015-06-01")
ENDS = [FIRST_S + HALF_HOUR_S * number for number in range(1, 2 * 48 + 1)]


def profile_entry(end_s: int, variant: str) -> str:
    number = (end_s - FIRST_S) // HALF_HOUR_S
    energy = (
        f"<Electricity><PrimaryValue>{number}</PrimaryValue><SecondaryValue>1000</SecondaryValue></Electricity>"
        if variant == "4.8.1"
        else f"<ActiveEnergyExportedValue>{2 * number}</ActiveEnergyExportedValue>"
    )
    return f"<LogEntry><Timestamp>{text_of(end_s)}</Timestamp>{energy}</LogEntry>"


def test_a_meters_answers_are_a_series() -> None:
    asked: list[str] = []

    def read(variant: str, content: Mapping[str, Any]) -> etree._Element | None:
        asked.append(variant)
        if variant == "4.11.1":
            return element(f"<Tariff>{ELECTRICITY}</Tariff>")
        if variant == "4.18":
            return element("<Balance><MeterBalance>-5</MeterBalance></Balance>")
        period = content["ReadLogPeriod"]
        inside = [end_s for end_s in ENDS if period["StartDateTime"] <= EPOCH + timedelta(seconds=end_s)
                  <= period["EndDateTime"]]  # fmt: skip
        if variant == "4.14":
            midnights = [end_s for end_s in inside if end_s % DAY_S == 0][:1]
            return element("<Log>" + "".join(
                f"<LogEntry><MeterBalance>777</MeterBalance><Timestamp>{text_of(end_s)}</Timestamp></LogEntry>"
                for end_s in midnights) + "</Log>")  # fmt: skip
        return element("<Log>" + "".join(profile_entry(end_s, variant) for end_s in inside) + "</Log>")

    shown: list[tuple[int, int]] = []
    told = of_meter(read, 2, lambda done, total: shown.append((done, total)))
    points = told.series.points
    assert [point.time_s for point in points] == [end_s - HALF_HOUR_S for end_s in ENDS]
    assert [(point.import_wh, point.export_wh) for point in points] == [(n + 1000, 2 * n) for n in range(1, 97)]
    assert [point.price_millipence for point in points[13:15]] == [NIGHT_PRICE, DAY_PRICE]
    assert {point.time_s: point.balance_millipence for point in points if point.balance_millipence is not None} == {
        FIRST_S + DAY_S - HALF_HOUR_S: 777
    }
    assert told.balance_millipence == -5
    assert shown == [(done, 7) for done in range(1, 8)] and len(asked) == 7


def test_what_is_not_told_is_not_drawn() -> None:
    def read(variant: str, content: Mapping[str, Any]) -> etree._Element | None:
        return element(f"<Log>{profile_entry(ENDS[0], variant)}</Log>") if variant == "4.8.1" else None

    told = of_meter(read, 1, lambda done, total: None, FIRST_S + DAY_S)
    (point,) = told.series.points
    assert (point.import_wh, point.export_wh, point.price_millipence, point.balance_millipence) == (1001, 0, None, None)
    assert told.tariff is None and told.balance_millipence is None
