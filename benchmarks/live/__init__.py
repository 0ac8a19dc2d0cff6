"""What the live core costs: events, decisions, risk checks, recovery, reaction, simulation."""
