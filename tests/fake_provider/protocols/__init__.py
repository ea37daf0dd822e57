"""The vendors' protocols; a row each."""
from . import anthropic, bedrock, gemini, openai

PROTOCOLS = (gemini, bedrock, openai, anthropic)
