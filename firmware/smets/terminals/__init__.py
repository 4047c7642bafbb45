"""What is wired to a meter: contactor, pulse LED, S0 input, buttons. Pins come in as arguments."""
