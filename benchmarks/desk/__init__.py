"""What a decision of the desk costs: latency of a cycle, two years of them, memory over many."""
