"""OpenSMETS: the host side of a SMETS2 home in your hand."""
