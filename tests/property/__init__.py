"""What the control never does, over arbitrary streams of events."""
