"""`python -m payment_service`."""

from payment_service.cli import main

if __name__ == "__main__":
    main()
