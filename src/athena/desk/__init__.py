"""Who decides: agents, coordinator, schedule, message bus, evaluation of agents.

The inner rooms, lowest first; each is imported by its own name, so that a backtest without models
pays for none:

- `contract`: what agents say to each other, and its one written form.
- `inputs`: what agents look at. `bus`: how they hear each other.
- `agents`: pure rules, and the roster that runs them.
- `coordinator`: vote, conflict, veto, schedule.
- `cycle`: one decision, from frozen inputs to intents.
- `judging`, `evaluation`, `trace`: models that judge, who was right, why it was decided.
- `hosting`: the desk as one strategy of the core.
"""
