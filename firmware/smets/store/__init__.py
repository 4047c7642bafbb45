"""What must survive a power cut: a journal of named values and append-only logs of fixed-size records."""
