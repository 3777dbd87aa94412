"""What Phaeton costs, measured beside what came before it."""
