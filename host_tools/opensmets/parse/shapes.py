"""The shapes by the name that a layout uses."""

from __future__ import annotations

from opensmets.parse.alert_masks import MASK_SHAPES
from opensmets.parse.charges import CHARGE_SHAPES
from opensmets.parse.dates import DATE_SHAPES
from opensmets.parse.events import EVENT_SHAPES
from opensmets.parse.schedules import SCHEDULE_SHAPES
from opensmets.parse.tariff import TARIFF_SHAPES

SHAPES = {**DATE_SHAPES, **EVENT_SHAPES, **SCHEDULE_SHAPES, **TARIFF_SHAPES, **MASK_SHAPES, **CHARGE_SHAPES}
