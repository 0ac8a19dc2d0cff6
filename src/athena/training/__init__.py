"""Teaches language models and agents: fine-tuning, GRPO, evolution."""
