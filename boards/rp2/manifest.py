# make -C ports/rp2 BOARD=RPI_PICO FROZEN_MANIFEST=/path/of/opensmets/boards/rp2/manifest.py
#
# What the port's own manifest freezes, but for its _boot.py, which formats the flash whenever it cannot be mounted.
# A board's own packages (RPI_PICO_W has those of the network) are left out: a meter has no use for them yet.

freeze("$(PORT_DIR)/modules", ("_boot_fat.py", "rp2.py"))
include("$(MPY_DIR)/extmod/asyncio")

module("_boot.py")
include("../manifest.py", thumb=True)
