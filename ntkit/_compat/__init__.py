"""Adapters, one for each dependency that breaks: the only place that knows how to make it work."""
