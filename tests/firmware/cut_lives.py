"""Lives of a meter on real stores whose power is cut at any write, and what must hold of them whatever happens.

After a cut the meter starts again from what is on flash, and lives again what it lived since: so a life must come to
what it is without cuts. What was done when the power went was done, or is done now.
"""

from smets.meter.measurement import Measurement
from smets.store.journal import Journal
from smets.store.segments import SegmentLog
from tests.firmware import lives
from tests.firmware.account_world import account
from tests.firmware.life_reference import DAY_S, PARTS
from tests.firmware.power_cut import CutFiles, PowerCut, scratch, wipe
from tests.firmware.test_money import wealth

ROWS_OF_MOMENTS = (
    "import_profile", "export_profile", "reactive_profile", "daily_consumption", "daily_read", "export_daily",
    "prepayment_daily", "billing", "billing_prepayment", "voltage_1",
)  # fmt: skip
"""Logs with a row a moment, which a cut must neither lose nor double."""
_SEEN = "utrn/seen"


class KeptTokens:
    """Takes every token once, and knows from the journal alone which it took: digits are a number, a colon, pence."""

    def __init__(self, journal):
        self._journal = journal

    def check(self, digits, by_hand, time_s):
        """Return (refusal code or 0, pence, number)."""
        number, pence = bytes(digits).split(b":")
        return 0x8F51 if int(number) in self.taken() else 0, int(pence), int(number)

    def used(self, number):
        """Return what the journal is to keep."""
        return _SEEN, b",".join([b"%d" % each for each in self.taken() + [number]])

    def taken(self):
        """Return the numbers of the tokens that were taken."""
        return [int(number) for number in (self._journal.get(_SEEN) or b"").split(b",") if number]


class CutLife:
    """A life with power cuts. `cuts` are pairs: after how many writes since a start the power goes, octets torn off."""

    def __init__(self, home, cuts):
        self.home, self.cuts = home, list(cuts)
        self._folders = scratch(), scratch()
        self._flows, self._paid, self._credited, self._amounts, self.cuts_met = [], 0, [], [], 0
        self._light_s = 0
        journal, stores = self._open(CutFiles(0))
        self.meter = lives.meter_of(home, journal, stores)
        self.meter.commit(True)
        self._begun, self._begun_s = wealth(self.meter), self.meter.time_s
        self._seen = self._cumulative()
        self._start()

    def close(self):
        """Remove what is on flash."""
        self._let_go()
        for folder in self._folders:
            wipe(folder)

    def do(self, step):
        """Carry out a step of a life, however often the power goes, and judge what came of it."""
        if step[0] == "flow":
            self._flows.append((self.meter.time_s + step[1], lives.measurement(step[2])))
        if step[0] == "dark":
            self._light_s = self.meter.time_s + step[1]
        done = False
        while not done:
            gain = 0
            try:
                self._live()
                gain = self._gain(step)
                self._act(step)
                done = True
            except PowerCut:
                self.cuts_met += 1
                self._start()
                done = gain != 0 and self._is_accounted_for(gain)
            if done and (step[0] != "enter" or self._is_accounted_for(gain)):
                self._paid += gain
                self._credited += [step[1]] if step[0] == "enter" and gain else []
                self._amounts += [gain] if step[0] == "enter" and gain else []
            self.judge()

    def judge(self):
        """Energy is in all registers alike, money and tokens are accounted for, and nothing went down."""
        import_wh, second_wh, _, by_script = lives.registers(self.meter)
        of_second = sum([wh for script, wh in by_script.items() if isinstance(script, int) and script > 200])
        assert of_second == second_wh and sum(by_script.values()) == import_wh + second_wh
        assert self._is_accounted_for(0)
        assert self._credited == self.meter.tokens.taken()
        now = self._cumulative()
        assert not [place for place, value in enumerate(now) if value < self._seen[place]]

    def finish(self):
        """Let it live up to the end of what it was to live."""
        self.cuts = []
        self._start()
        self._live()
        self.meter.commit(True)
        self.judge()
        assert [row[1] for row in lives.rows(self.meter, "credits")] == self._amounts[-5:]

    def _act(self, step):
        if step[0] == "restart":
            self.meter.commit(True)
            self._start()
        elif step[0] == "dark":
            self._be_dark()
        elif step[0] != "flow":
            lives.carry_out(self.meter, self.home, step)

    def _be_dark(self):
        """Be without supply up to a time; a cut that comes after that leaves nothing to be done again."""
        if self.meter.time_s < self._light_s:
            self.meter = lives.dark_of(self.meter, self.home, self._light_s)
        self.meter.advance(self.meter.time_s, Measurement())

    def _live(self):
        """Live what is not on flash of it."""
        for end_s, load in self._flows:
            if self.meter.time_s < end_s:
                self.meter.advance(end_s, load)

    def _gain(self, step):
        """Return what a step adds to what the account is worth, if it is carried out now."""
        if step[0] == "enter":
            return 0 if step[1] in self.meter.tokens.taken() else 1000 * step[2]
        if step[0] == "adjust":
            return step[1]
        if step[0] == "adjust_debt":
            return -step[2]
        if step[0] != "reset":
            return 0
        _, _, debt_1, debt_2, payment_debt, _ = account(self.meter)
        return -debt_1 - debt_2 - payment_debt - wealth(self.meter)

    def _is_accounted_for(self, gain):
        """Return whether the account is worth what was paid, and `gain`, less what energy and days have cost."""
        meter, tariff, terms = self.meter, self.home["tariff"], self.home["terms"]
        cost = -meter.read("tariff.charge_rest")
        for script, energy_wh in lives.registers(meter)[3].items():
            price = tariff["prices"].get(script, tariff["second_prices"].get(script, 0))
            cost += energy_wh * lives.parts(price, tariff["scale"])
        days = meter.time_s // DAY_S - self._begun_s // DAY_S
        spent = cost + days * terms["standing_charge"] * PARTS
        return (wealth(meter) - self._begun - self._paid - gain) * PARTS == -spent

    def _cumulative(self):
        meter = self.meter
        names = ("active_import_wh", "active_export_wh", "secondary_active_import_wh", "reactive_import_varh")
        found = [meter.read("registers." + name) for name in names] + [meter.time_s]
        for name in ("tou_wh", "second_tou_wh"):
            found += meter.read("tariff_registers." + name)
        return found + meter.read("tariff_registers.blocks_wh")[:32]

    def _start(self):
        """Start from what is on flash, until the power stays for so long. Nothing of that went down since the last."""
        while True:
            self._let_go()
            try:
                journal, stores = self._open(CutFiles(*(self.cuts.pop(0) if self.cuts else (0,))))
                self.meter = lives.restarted(self.home, journal, stores, KeptTokens(journal))
                break
            except PowerCut:
                self.cuts_met += 1
        now = self._cumulative()
        assert not [place for place, value in enumerate(now) if value < self._seen[place]]
        self._seen = now

    def _open(self, files):
        def open_log(name, record_size, capacity):
            return SegmentLog(self._folders[1], name, record_size, capacity, files=files)

        return Journal(self._folders[0], files), open_log

    def _let_go(self):
        """The meter that had no power any more is gone, and its open files with it."""
        self.meter.logs.release()
        self.meter.journal.close()


def compare_with_whole(home, steps, cuts):
    """Let a life be lived with and without cuts; return how many were met. Raises AssertionError where they part."""
    whole, life = lives.meter_of(home), CutLife(home, cuts)
    try:
        for step in steps:
            whole = lives.carry_out(whole, home, step)
            life.do(step)
        life.finish()
        whole.commit(True)
        for judged in (lives.registers, lives.counters, lives.shown_account, _supply, _demand):
            assert judged(whole) == judged(life.meter)
        for name in ROWS_OF_MOMENTS:
            assert lives.rows(whole, name) == lives.rows(life.meter, name), name
        return life.cuts_met
    finally:
        life.close()


def _supply(meter):
    return [meter.read("supply." + name) for name in ("state", "reason", "changed_s")]


def _demand(meter):
    return [meter.read("demand." + name) for name in ("import_w", "import_s", "export_w", "export_s")]
