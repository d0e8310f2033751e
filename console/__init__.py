"""The pages of agents, and the JSON behind them."""
