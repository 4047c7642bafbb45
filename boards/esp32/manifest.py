# make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=/path/of/opensmets/boards/esp32/manifest.py
#
# The port's own _boot.py formats a flash only when its first block is blank.

include("$(PORT_DIR)/boards/manifest.py")
include("../manifest.py")
