"""Compiled. Run: athena backtest --strategy rule_strategy.py:Rising --data FILE."""

from athena.trading import Market, RuleStrategy, Table, codes, rules


class Rising(RuleStrategy):
    """Hold five lots while the close is above the one before."""

    @staticmethod
    def rule(now: Table, memory: Table, parameters: Table, intents: Table) -> int:
        """Write what is wanted at this bar's close; return how many intents that were."""
        close, position = now[rules.N_NOW + rules.BAR_CLOSE], now[rules.N_NOW + rules.POSITION]
        rises = close > memory[0] and memory[0] > 0
        memory[0] = close
        if rises and position == 0:
            rules.write_market(intents, 0, 0, parameters[0], codes.ENTRY)
            return 1
        if position > 0 and not rises:
            rules.write_market(intents, 0, 0, -position, codes.EXIT)
            return 1
        return 0

    def parameters(self, market: Market) -> list[int]:
        """Return what the rule is told; it must not depend on prices."""
        return [5]

    def memory_size(self) -> int:
        """Return how many integers the rule remembers."""
        return 1
