"""Virtual devices, boards, scenarios and the test rig."""
