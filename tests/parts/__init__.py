"""Shipped parts put together, and the time they live in. No mocks of our own code."""
