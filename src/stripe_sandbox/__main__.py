"""Lets `python -m stripe_sandbox` do what the command does."""

from stripe_sandbox.cli import main

if __name__ == "__main__":
    main()
