"""What is wired to a meter: contactor, pulse LED, S0 input, buttons, buzzer. Pins come in as arguments."""
