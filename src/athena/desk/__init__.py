"""Who decides: agents, coordinator, schedule, message bus, evaluation of agents."""
