"""At the meter: what a customer reads there, types there, and is not shown. Each test is a visit."""

from smets.bench.control import BenchControl
from smets.bench.faults import Faults
from smets.meter.measurement import Measurement
from smets.meter.user_interface import PAGES
from tests.firmware.account_world import ARMED, DISABLED, ENABLED, POUND, prepaid, use
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.meter_world import DAY_S, START_S, Stores, Tokens, events, make_meter

UTRN = "12345678901234567890"
DONE, REFUSED = 0x8161, 0x8162


class Visit:
    """Somebody at the meter."""

    def __init__(self, meter):
        self.meter = meter
        self.bench = BenchControl(meter, Faults())

    def ask(self, **fields):
        fields["do"] = "panel"
        answer = self.bench.perform(fields)
        self.meter.release()
        assert answer["ok"], answer
        return answer

    def press(self, *keys):
        for key in keys:
            self.ask(press=key)
        lines = self.ask()["lines"]
        assert len(lines) <= 8 and max([len(line) for line in lines]) <= 16, lines
        return lines

    def type(self, digits):
        return self.press(*(list(digits) + ["ok"]))

    def go(self, page):
        for _ in range(60):
            answer = self.ask()
            if answer["page"] == page:
                return answer["lines"]
            self.press("next")
        raise AssertionError("no page " + page)


def with_pin(meter, pin=b"1234"):
    meter.write("customer.privacy_pin", pin)
    return meter


def test_every_page_is_shown_and_the_last_is_followed_by_the_first():
    visit, seen = Visit(make_meter()), []
    while len(seen) < len(PAGES):
        answer = visit.ask()
        if answer["page"] not in seen:
            seen.append(answer["page"])
        assert answer["lines"][0] == answer["page"].upper() and len(answer["lines"]) > 0
        visit.press("next")
    assert tuple(seen) == PAGES and visit.press()[0] == "ACCOUNT"
    assert visit.press("back")[0] == "PRIVACY"


def test_a_prepaying_customer_reads_balance_price_debt_and_energy():
    meter = prepaid(
        12 * POUND + 34000, standing_charge=40, standing_charge_scale=-2,
        time_debt_1=240000, rate_1=10, rate_1_scale=-2, payment_debt=20 * POUND,
    )  # fmt: skip
    use(meter, 3600, 1000)
    visit = Visit(meter)
    assert visit.press() == ["ACCOUNT", "Prepayment", "Balance", "12.04 GBP", "Supply on"]
    assert visit.go("tariff") == ["TARIFF", "Rate 1", "30.00 p/kWh", "Standing charge", "40.00 p/day"]
    assert visit.go("energy")[:3] == ["ENERGY", "Import", "1.000 kWh"] and "1000 W" in visit.press()
    assert visit.go("debt")[:5] == ["DEBT", "Debt 1", "2.40 GBP", " 10.00 p/day", "Debt 2"]
    assert visit.press("next") == ["DEBT", "20.00 GBP", "Gathered", "0.00 GBP"]
    use(meter, 2 * DAY_S, 500)
    assert visit.go("days")[:2] == ["DAYS", "02 Jan 12.000"]
    assert visit.go("cost") == [
        "COST", "Today", " 0.15 GBP", "This week", " 7.50 GBP", "This month", " 7.50 GBP", "02 Jan 3.60"
    ]  # fmt: skip
    assert visit.press("next") == ["COST", "01 Jan 3.75"]


def test_a_balance_below_nothing_is_shown_so_and_a_euro_is_a_euro():
    meter = prepaid(-150000)
    meter.write("prices.in_sterling", False)
    assert Visit(meter).press()[3] == "-1.50 EUR"


def test_a_customer_with_a_pin_types_a_wrong_one_and_then_the_right_one():
    visit = Visit(with_pin(prepaid(5 * POUND)))
    assert visit.press() == ["ACCOUNT", "Enter your PIN", "and press OK"]
    assert visit.press("1", "2")[1] == "**"
    visit.press("clear")
    assert visit.type("4321")[1] == "Wrong PIN" and "5.00 GBP" not in visit.press()
    assert visit.type("1234")[1] == "Done" and "5.00 GBP" in visit.go("account")
    logged = [row[1] for row in visit.meter.log("event").rows()]
    assert [code for code in logged if code in (DONE, REFUSED)] == [REFUSED, DONE]


def test_without_the_pin_nothing_personal_is_shown_on_any_page():
    meter = with_pin(prepaid(77 * POUND, time_debt_1=7700000, payment_debt=7700000))
    meter.write("display.message", b"secret 77")
    use(meter, 2 * DAY_S, 77)
    meter.write("customer.identification_number", b"7777")
    visit = Visit(meter)
    for _ in range(3 * len(PAGES)):
        lines = visit.press("next")
        assert "77" not in "".join(lines) and "secret" not in "".join(lines), lines
    visit.go("message")
    visit.press("ok")
    visit.go("number")
    visit.press("ok")
    visit.type("1234")
    assert visit.go("message")[1] == "secret 77" and visit.go("number")[1] == "7777"


def test_the_pin_is_asked_for_again_when_nobody_pressed_a_key_for_two_minutes():
    meter = with_pin(prepaid(5 * POUND))
    visit = Visit(meter)
    visit.type("1234")
    for seconds, shown in ((119, True), (119, True), (121, False)):
        use(meter, seconds)
        assert ("5.00 GBP" in visit.press("clear")) == shown


def test_whoever_guesses_waits_even_if_the_power_fails_in_between():
    journal, stores = MemoryJournal(), Stores()
    meter = make_meter(journal=journal, stores=stores)
    meter.write("clock.time_s", START_S)
    visit = Visit(with_pin(meter))
    for wrong in ("0000", "0001", "0002"):
        assert visit.type(wrong)[1] == "Wrong PIN"
    assert visit.type("1234")[1] == "Wait 300 s"
    meter.commit(True)
    meter = make_meter(journal=journal, stores=stores)
    visit = Visit(meter)
    use(meter, 299)
    assert visit.type("1234")[1] == "Wait 1 s"
    use(meter, 1)
    assert visit.type("0003")[1] == "Wrong PIN"  # one try, and the next wait
    assert visit.type("1234")[1] == "Wait 300 s"
    use(meter, 300)
    assert visit.type("1234")[1] == "Done"
    for wrong in ("0000", "0001"):  # a right one begins the count anew
        use(meter, 121)
        assert visit.type(wrong)[1] == "Wrong PIN"
    assert visit.type("1234")[1] == "Done"


def test_three_wrong_pins_are_a_failed_authentication():
    meter = make_meter()
    visit = Visit(with_pin(meter))
    for wrong, told in (("0000", []), ("0001", []), ("0002", [0x8F53]), ("0003", [])):
        visit.type(wrong)
        assert [code for code in events(meter) if code == 0x8F53] == told, wrong


def test_a_customer_sets_changes_and_removes_a_pin_and_a_supplier_removes_one():
    meter = make_meter()
    visit = Visit(meter)
    assert visit.type("1234")[1] == "Not accepted"  # not on this page
    visit.go("privacy")
    assert visit.type("1234")[1] == "Done" and visit.press()[-3:] == [
        "4 digits and OK",
        "change it",
        "CLEAR removes it",
    ]
    visit.type("9876")
    use(meter, 121)
    assert visit.type("1234")[1] == "Wrong PIN" and visit.type("9876")[1] == "Done"
    visit.press("clear")
    assert meter.read("customer.privacy_pin") == b""
    visit.type("5555")
    use(meter, 121)
    meter.write("customer.privacy_pin", b"")  # ECS14
    assert visit.go("account")[1] == "Credit mode"


def test_a_message_is_shown_acknowledged_and_sent_again():
    meter = make_meter()
    visit = Visit(meter)
    meter.write("display.message", b"Your meter will be read on Monday, please be in.")
    assert visit.press()[-1] == "Message waiting"
    assert visit.go("message") == [
        "MESSAGE", "Your meter will", "be read on", "Monday, please", "be in.", "OK: I have read",
    ]  # fmt: skip
    visit.press("ok")
    assert visit.press("clear") == ["MESSAGE", "None"] and "Message waiting" not in visit.go("account")
    meter.write("display.message", b"Your meter will be read on Monday, please be in.")
    assert visit.go("message")[1] == "Your meter will"
    meter.write("display.message", b"\xc2\xa35")
    assert visit.press()[1] == "??5"


def test_the_longest_message_is_read_page_by_page():
    meter = make_meter()
    meter.write("display.message", b"x" * 116)
    visit = Visit(meter)
    first = visit.go("message")
    second = visit.press("next")
    assert "".join(first[1:] + second[1:-1]) == "x" * 116 and second[-1] == "OK: I have read"
    assert visit.press("back") == first


def test_an_identification_number_is_shown_until_it_is_read_or_a_day_is_over():
    meter = make_meter()
    visit = Visit(meter)
    for read in (True, False):
        meter.write("customer.identification_number", b"1234567890")
        assert visit.go("number")[1] == "1234567890"
        if read:
            visit.press("ok")
        else:
            use(meter, DAY_S)
        assert visit.press("clear") == ["NUMBER", "None"]


def test_an_identification_number_of_before_a_tenancy_is_withheld():
    meter = make_meter()
    meter.write("customer.identification_number", b"1234567890")
    use(meter, 60)
    meter.write("customer.restrict_data_s", meter.time_s)
    assert Visit(meter).go("number")[1:] == ["None"]
    meter.write("customer.identification_number", b"0987654321")
    assert Visit(meter).go("number")[1] == "0987654321"


def test_the_usage_is_low_medium_or_high_by_the_supplier_s_thresholds():
    meter = make_meter()
    meter.write("power_threshold.low_medium_w", 500)
    meter.write("power_threshold.medium_high_w", 2000)
    for power_w, usage in ((500, "Usage low"), (501, "Usage medium"), (2001, "Usage high")):
        use(meter, 120, power_w)
        assert str(power_w) + " W" in Visit(meter).go("energy") and usage in Visit(meter).go("energy")


def test_a_charge_below_nothing_is_shown_so():
    meter = prepaid(0, standing_charge=-25, standing_charge_scale=-4)
    assert "-0.25 p/day" in Visit(meter).go("tariff")


def test_a_credit_of_hundreds_of_pounds_has_its_line():
    meter = prepaid(0)
    meter.tokens = Tokens({b"1" * 20: (0, 12345, 1)})
    meter.call("credit.enter_token", b"1" * 20)
    assert Visit(meter).go("credits")[1:] == ["01 Jan 123.45"]


def test_who_the_supplier_is_and_how_the_supply_is_stands_there_without_a_pin():
    meter = with_pin(make_meter())
    meter.write("customer.supplier_name", b"Octave Energy")
    meter.write("customer.supplier_telephone", b"0800 123 4567")
    visit = Visit(meter)
    assert visit.go("contact") == ["CONTACT", "Octave Energy", "0800 123 4567"]
    assert visit.go("status")[1:3] == ["Supply", " On"]
    meter.call("supply.lock", None)
    assert visit.press()[2:5] == [" Off", " tamper", "Locked: tamper"]


def test_a_top_up_at_the_keypad_arms_the_supply_and_the_customer_closes_it():
    meter = with_pin(prepaid(1000, disablement_threshold=0))
    meter.tokens = Tokens({UTRN.encode(): (0, 500, 1)})
    use(meter, 3600, 1000)
    assert meter.read("supply.state") == DISABLED
    visit = Visit(meter)
    assert visit.type("00000000000000000000")[1] == "Not accepted"
    assert visit.press(*UTRN)[1:3] == ["1234 5678 9012", "3456 7890"]
    assert visit.press("ok")[1] == "Done" and meter.read("supply.state") == ARMED
    assert visit.go("status")[1:3] == ["Supply", " Armed: press OK"]
    visit.press("ok")
    assert meter.read("supply.state") == ENABLED
    assert visit.press("ok")[1] == "Not accepted"


def test_emergency_credit_is_offered_and_taken_without_a_pin():
    meter = with_pin(prepaid(50000, emergency_credit_threshold=POUND, emergency_credit_limit=5 * POUND))
    visit = Visit(meter)
    assert visit.go("emergency")[1:] == ["Available:", "5.00 GBP", "OK activates it"]
    assert visit.press("ok")[1:] == ["Done", "In use"]
    meter.write("customer.privacy_pin", b"")
    assert visit.press("clear")[1:] == ["In use, left:", "5.00 GBP"]
    assert visit.go("account")[2:6] == ["Balance", "0.50 GBP", "Emergency left", "5.00 GBP"]
    assert Visit(prepaid(50000)).go("emergency")[1:] == ["Not available"]


def test_a_new_tenant_sees_nothing_of_the_old_one_and_the_supplier_all():
    meter = prepaid(100 * POUND)
    meter.tokens = Tokens({b"1" * 20: (0, 1111, 1), b"2" * 20: (0, 2222, 2)})
    meter.call("credit.enter_token", b"1" * 20)
    meter.write("display.message", b"to the old one")
    use(meter, 3 * DAY_S + 7200, 1000)
    moved_in_s = meter.time_s
    meter.write("customer.restrict_data_s", moved_in_s)
    visit = Visit(meter)
    assert visit.go("days")[1:] == visit.go("credits")[1:] == visit.go("cost")[1:] == ["None yet"] and visit.go(
        "message"
    )[1:] == ["None"]
    use(meter, DAY_S, 500)
    meter.call("credit.enter_token", b"2" * 20)
    meter.write("display.message", b"to the new one")
    use(meter, DAY_S, 500)
    # the day of the move was begun by the old one
    assert visit.go("days")[1:] == ["05 Jan 12.000"]
    assert visit.go("cost")[1:] == ["Today", " 0.30 GBP", "This week", " 3.90 GBP", "05 Jan 3.60"]
    assert visit.go("credits")[1:] == ["05 Jan 22.22"] and visit.go("message")[1] == "to the new one"
    assert len(meter.log("daily_consumption")) == 4 and len(meter.log("credits")) == 2
    meter.write("customer.restrict_data_s", meter.time_s + DAY_S)  # of a day to come: all of before it
    assert visit.go("days")[1:] == ["None yet"]


def test_a_key_that_the_meter_has_not_is_refused():
    bench = BenchControl(make_meter(), Faults())
    for key in ("11", "menu", "", "\xb2", 1, ["ok"]):
        assert not bench.perform({"do": "panel", "press": key})["ok"], key
    assert bench.perform({"do": "panel", "press": "ok"})["ok"]


def test_a_page_of_a_twin_element_meter_has_both():
    meter = make_meter(elements=2)
    meter.advance(START_S + 3600, Measurement(1000, secondary_import_w=2000))
    assert Visit(meter).go("energy")[1:5] == ["Import", "1.000 kWh", "Second element", "2.000 kWh"]
