# An electricity meter frozen into a MicroPython of one's own, whatever its port: the core and the parts that a board
# has. rp2/ and esp32/ have whole manifests, with what the port's own would freeze; see README.md. Options:
#
#     include(".../boards/manifest.py", load_control=False, bench=True)

options.defaults(
    load_control=True, user_interface=True, terminals=True, panel=False, bench=False, thumb=False, radio=False
)

add_library("opensmets", "manifests")
require("smets-core")
if options.load_control:
    require("smets-load-control")
if options.user_interface:
    require("smets-user-interface")
if options.terminals:
    require("smets-terminals")
if options.panel:
    require("smets-panel")
if options.bench:
    require("smets-bench")
if options.thumb:
    require("smets-thumb")
if options.radio:
    require("smets-radio")
